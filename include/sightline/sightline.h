/* All of libsightline. */
#ifndef SIGHTLINE_H
#define SIGHTLINE_H

#include <sightline/camera.h>
#include <sightline/cancel.h>
#include <sightline/doctor.h>
#include <sightline/error.h>
#include <sightline/frame.h>
#include <sightline/gate.h>
#include <sightline/keys.h>
#include <sightline/log.h>
#include <sightline/pair.h>
#include <sightline/receiver.h>
#include <sightline/recorder.h>
#include <sightline/sender.h>
#include <sightline/settings.h>
#include <sightline/sink.h>
#include <sightline/source.h>
#include <sightline/stats.h>
#include <sightline/version.h>
#include <sightline/view.h>
#include <sightline/web.h>

#endif
