/* cli: the events of --stats. */
#include "figures.h"

#include <jansson.h>
#include <sightline/error.h>
#include <stdlib.h>
#include <string.h>

static json_t *text(const char *value) {
    json_t *made = value ? json_string(value) : json_null();
    return made ? made : json_null();
}

/* Rounded: nobody reads a thousandth of a microsecond. */
static json_t *number(double value) {
    if (!(value >= 0 && value < 1e12))
        return json_null();
    return json_real((double)(int64_t)(value * 1000 + 0.5) / 1000);
}

static json_t *count(uint64_t value) {
    return json_integer((json_int_t)value);
}

static json_t *begin(const char *event, const struct figures_about *about) {
    json_t *object = json_object();
    json_object_set_new(object, "event", text(event));
    json_object_set_new(object, "role", text(about->role));
    json_object_set_new(object, "pattern", text(about->pattern));
    return object;
}

static bool write_line(FILE *file, json_t *object) {
    bool written = json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(13)) == 0 &&
                   fputc('\n', file) != EOF && fflush(file) == 0;
    json_decref(object);
    return written;
}

static json_t *latency(const sl_latency *known, bool with_last) {
    json_t *object = json_object();
    json_object_set_new(object, "p50", number(known->p50));
    json_object_set_new(object, "p95", number(known->p95));
    json_object_set_new(object, "p99", number(known->p99));
    json_object_set_new(object, "max", number(known->max));
    if (with_last)
        json_object_set_new(object, "last", number(known->last));
    return object;
}

/* Why frames were dropped: of reasons that there were, how often. */
static json_t *drops(const sl_stats *stats) {
    json_t *object = json_object();
    for (sl_drop reason = 0; reason < SL_DROPS; reason++) {
        if (stats->drops[reason] > 0)
            json_object_set_new(object, sl_drop_name(reason), count(stats->drops[reason]));
    }
    return object;
}

/* `fps` and `bit_rate` are of the same time. */
static void add_counts(json_t *object, const struct figures_about *about, const sl_stats *stats,
                       double fps, double bit_rate) {
    json_object_set_new(object, "frames", count(stats->frames));
    if (strcmp(about->role, "sender") == 0) {
        json_object_set_new(object, "encoded", count(stats->encoded));
        json_object_set_new(object, "unchanged", count(stats->unchanged));
        json_object_set_new(object, "quality",
                            stats->quality ? json_integer(stats->quality) : json_null());
    }
    json_object_set_new(object, "dropped", count(stats->dropped));
    json_object_set_new(object, "drops", drops(stats));
    json_object_set_new(object, "rejected", count(stats->rejected));
    json_object_set_new(object, "bytes", count(stats->bytes));
    json_object_set_new(object, "seconds", number(stats->seconds));
    json_object_set_new(object, "fps", number(fps));
    json_object_set_new(object, "rate_kbit", number(bit_rate / 1e3));
}

/* Nothing before a receiver of that pattern was met. */
static void add_live(json_t *object, const sl_stats *stats) {
    const sl_live_stats *known = &stats->live_stats;
    if (!stats->live)
        return;
    json_t *live = json_object();
    json_object_set_new(live, "encoder", text(known->encoder));
    json_object_set_new(live, "width", json_integer(known->width));
    json_object_set_new(live, "height", json_integer(known->height));
    json_object_set_new(live, "quantiser", number(known->quantiser));
    json_object_set_new(live, "target_kbit", number((double)known->target_rate / 1e3));
    json_object_set_new(live, "delivery_kbit", number((double)known->delivery_rate / 1e3));
    json_object_set_new(live, "fps", number(known->fps));
    json_object_set_new(live, "window", count(known->window));
    json_object_set_new(live, "in_flight", count(known->in_flight));
    json_object_set_new(live, "queue_ms", number(known->queue_ms));
    json_object_set_new(live, "round_trip_ms", number(known->round_trip_ms));
    json_object_set_new(live, "watched", json_boolean(known->watched));
    json_object_set_new(object, "live", live);
}

/* Null where there is none. */
static json_t *tunnel(const sl_stats *stats) {
    if (stats->tunnel == SL_TUNNEL_NONE)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "state", text(sl_tunnel_state_name(stats->tunnel)));
    json_object_set_new(object, "reason",
                        text(stats->tunnel_reason[0] ? stats->tunnel_reason : NULL));
    json_object_set_new(object, "reconnects", count(stats->tunnel_reconnects));
    return object;
}

const char *figures_state(const sl_stats *stats) {
    if (stats->connected)
        return "connected";
    if (stats->tunnel != SL_TUNNEL_NONE && stats->tunnel != SL_TUNNEL_UP)
        return sl_tunnel_state_name(stats->tunnel);
    return stats->frames || stats->reconnects ? "waiting" : "connecting";
}

static json_t *destination(const sl_destination *known) {
    const sl_stats *stats = &known->stats;
    json_t *object = json_object();
    json_object_set_new(object, "name", text(known->name));
    json_object_set_new(object, "endpoint", text(known->endpoint));
    json_object_set_new(object, "ssh", text(known->ssh));
    json_object_set_new(object, "pattern", text(sl_pattern_name(known->link->pattern)));
    json_object_set_new(object, "state", text(known->failure ? "failed" : figures_state(stats)));
    json_object_set_new(object, "frames", count(stats->frames));
    json_object_set_new(object, "dropped", count(stats->dropped));
    json_object_set_new(object, "drops", drops(stats));
    json_object_set_new(object, "bytes", count(stats->bytes));
    json_object_set_new(object, "rate_kbit", number((double)stats->bit_rate / 1e3));
    json_object_set_new(object, "latency_ms", latency(&stats->latency, true));
    json_object_set_new(object, "reconnects", count(stats->reconnects));
    json_object_set_new(object, "tunnel", tunnel(stats));
    add_live(object, stats);
    json_object_set_new(object, "reason",
                        text(known->failure ? sl_error_name(known->failure) : NULL));
    json_object_set_new(object, "error", text(known->failure ? known->reason : NULL));
    return object;
}

/* Nothing where no destinations were named. */
static void add_destinations(json_t *object, const struct figures_about *about) {
    json_t *list = about->destination_count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < about->destination_count; i++)
        json_array_append_new(list, destination(&about->destinations[i]));
    if (list)
        json_object_set_new(object, "destinations", list);
}

static json_t *moment(int64_t utc_us) {
    return utc_us > 0 ? number((double)utc_us / 1e6) : json_null();
}

static json_t *camera(const sl_camera_view *known) {
    bool sized = known->width > 0;
    json_t *object = json_object();
    json_object_set_new(object, "id", text(known->id));
    json_object_set_new(object, "name", text(known->name));
    json_object_set_new(object, "state", text(sl_view_state_name(known->state)));
    json_object_set_new(object, "since", moment(known->since_us));
    json_object_set_new(object, "reason", text(known->reason[0] ? known->reason : NULL));
    json_object_set_new(object, "last", moment(known->last_us));
    json_object_set_new(object, "codec", text(sl_view_codec_name(known->format)));
    json_object_set_new(object, "width", sized ? json_integer(known->width) : json_null());
    json_object_set_new(object, "height", sized ? json_integer(known->height) : json_null());
    json_object_set_new(object, "frames", count(known->frames));
    json_object_set_new(object, "dropped", count(known->dropped));
    json_object_set_new(object, "bytes", count(known->bytes));
    json_object_set_new(object, "fps", number(known->fps));
    json_object_set_new(object, "rate_kbit", number((double)known->bit_rate / 1e3));
    json_object_set_new(object, "latency_ms", latency(&known->latency, true));
    return object;
}

static void add_cameras(json_t *object, const struct figures_about *about) {
    if (!about->cameras)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < about->camera_count; i++)
        json_array_append_new(list, camera(&about->cameras[i]));
    json_object_set_new(object, "cameras", list);
}

/* "5566,5567" as a list; a port may be written as JSON has no number, such as 05566. */
static json_t *list_of(const char *numbers) {
    json_t *list = json_array();
    for (char *end; *numbers; numbers = *end ? end + 1 : end) {
        json_array_append_new(list, json_integer(strtol(numbers, &end, 10)));
        end += strcspn(end, ",");
    }
    return list;
}

bool figures_ready(FILE *file, const struct figures_about *about,
                   const struct figures_place *place) {
    json_t *object = begin("ready", about);
    json_object_set_new(object, "protocol", text(place->protocol));
    json_object_set_new(object, "address", text(place->address));
    json_object_set_new(object, "port", place->port ? json_integer(place->port) : json_null());
    if (place->ports)
        json_object_set_new(object, "ports", list_of(place->ports));
    json_object_set_new(object, "endpoint", text(place->endpoint));
    json_object_set_new(object, "tunnel", text(place->tunnel));
    if (place->gate) {
        json_object_set_new(object, "gate", text(place->gate));
        json_object_set_new(object, "gate_host_key", text(place->gate_host_key));
    }
    if (place->page)
        json_object_set_new(object, "web", text(place->page));
    add_destinations(object, about);
    return write_line(file, object);
}

bool figures_tunnel(FILE *file, const struct figures_about *about, const sl_stats *stats,
                    const char *of) {
    json_t *object = begin("tunnel", about);
    if (of)
        json_object_set_new(object, "destination", text(of));
    json_object_set_new(object, "tunnel", tunnel(stats));
    return write_line(file, object);
}

static json_t *array(const sl_frame *of) {
    json_t *object = json_object(), *shape = json_array();
    for (int i = 0; i < of->dimensions; i++)
        json_array_append_new(shape, json_integer(of->shape[i]));
    json_object_set_new(object, "dtype", text(of->dtype));
    json_object_set_new(object, "shape", shape);
    return object;
}

/* JSON text as its value; null when there is none. */
static json_t *value(const char *json) {
    json_t *made = json ? json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    return made ? made : json_null();
}

/* What a peer says, or of a long story how long it is: the file must not grow as fast as a peer
 * can talk. */
static void add_data(json_t *object, const char *json) {
    size_t bytes = json ? strlen(json) : 0;
    bool told = bytes <= FIGURES_DATA_MOST;
    json_object_set_new(object, "data", told ? value(json) : json_null());
    if (!told)
        json_object_set_new(object, "data_bytes", count(bytes));
}

/* FNV-1a. */
static uint64_t hash_of(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* Whether a peer says something else than before, which is noted. Its first word is news unless it
 * is `nothing`; of those beyond the most each word is. */
static bool is_news(struct figures_said *said, const char *port, const char *line, bool nothing) {
    uint64_t hash = hash_of(line);
    size_t i = 0;
    while (i < said->count && strcmp(said->each[i].port, port) != 0)
        i++;
    bool first = i == said->count;
    if (first && nothing)
        return false;
    if (i == FIGURES_PEERS_MOST)
        return true;
    if (first)
        snprintf(said->each[said->count++].port, sizeof(said->each[0].port), "%s", port);
    bool news = first || said->each[i].hash != hash;
    said->each[i].hash = hash;
    return news;
}

bool figures_exchange(FILE *file, const struct figures_about *about, const char *event,
                      const sl_frame *what, struct figures_said *said) {
    json_t *object = begin(event, about);
    bool picture_back = strcmp(event, "returned") == 0 && what->format != SL_FORMAT_NONE;
    if (what->port)
        json_object_set_new(object, "port", value(what->port));
    if (picture_back)
        json_object_set_new(object, "array", array(what));
    else
        add_data(object, what->message);
    /* A peer's text may hold what drives a terminal. */
    char *line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
    bool news =
        line && is_news(said, what->port ? what->port : "", line, !picture_back && !what->message);
    bool written = !news || (fprintf(file, "%s\n", line) > 0 && fflush(file) == 0);
    free(line);
    return written;
}

bool figures_stats(FILE *file, const struct figures_about *about, const sl_stats *stats,
                   double fps) {
    json_t *object = begin("stats", about);
    add_counts(object, about, stats, fps, (double)stats->bit_rate);
    json_object_set_new(object, "latency_ms", latency(&stats->latency, true));
    json_object_set_new(object, "reconnects", count(stats->reconnects));
    json_object_set_new(object, "state", text(figures_state(stats)));
    json_object_set_new(object, "tunnel", tunnel(stats));
    add_live(object, stats);
    add_destinations(object, about);
    add_cameras(object, about);
    return write_line(file, object);
}

bool figures_end(FILE *file, const struct figures_about *about, const sl_stats *stats, double fps,
                 const char *reason, const char *error) {
    json_t *object = begin("end", about);
    double bit_rate = stats->seconds > 0 ? (double)stats->bytes * 8 / stats->seconds : -1;
    add_counts(object, about, stats, fps, bit_rate);
    json_object_set_new(object, "latency_ms", latency(&stats->latency, false));
    json_object_set_new(object, "reconnects", count(stats->reconnects));
    json_object_set_new(object, "tunnel", tunnel(stats));
    add_live(object, stats);
    add_destinations(object, about);
    json_object_set_new(object, "reason", text(reason));
    if (error)
        json_object_set_new(object, "error", text(error));
    return write_line(file, object);
}
