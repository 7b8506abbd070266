/* stream: frames go in, are worked on by several threads at once, and come out in order. */
#include "stream/pipeline.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "stream/fair_queue.h"
#include "stream/threads.h"
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB          ((size_t)1024 * 1024)
#define BYTES_ENOUGH (192 * MIB) /* held: then nothing more is let in, or worked on ahead */
#define BYTES_MOST   (384 * MIB) /* held: then it is full, however few the frames, */
#define LANE_BYTES   (4 * MIB)   /* but for lanes whose frames take no more than so much */

#define RING                                                                                       \
    (SL_PIPELINE_CAPACITY * SL_PIPELINE_LANES) /* jobs, so that no lane takes another's            \
                                                */

enum job_state { JOB_WAITING, JOB_WORKING, JOB_DONE };

struct job {
    enum job_state state;
    int result;
    size_t lane;
    bool follows; /* sl_pipeline_follow() put it there */
    sl_frame *in;
    sl_frame *out;
    size_t bytes;   /* that both occupy */
    char *sentence; /* of a failure, for the taker's thread; NULL: none */
};

struct worker {
    sl_pipeline *pipeline;
    sl_thread thread;
    void *state;
    bool open;
};

/* An event that is only touched when it changes, because each touch is a system call. */
struct flag {
    sl_event event;
    bool set;
};

struct sl_pipeline {
    sl_pipeline_worker kind;
    void *user;
    int threads;
    struct worker workers[SL_THREADS_MAX];

    pthread_mutex_t lock;  /* everything below */
    pthread_cond_t work;   /* a job waits, or stop */
    struct flag ready;     /* the first job is done, or the end is reached */
    struct flag room;      /* fewer than `limit` jobs, or ended */
    struct job jobs[RING]; /* from `head` on, and round */
    int head, count;
    int following[SL_PIPELINE_LANES]; /* how many of them follow others, of each lane */
    int limit;
    sl_shelf offered;       /* not yet let in */
    sl_shelf followed;      /* done, of those that follow others; */
    sl_fair_queue fairness; /* which of them are worked on next */
    bool taker_waits;
    bool stop;
    int end_code;
    char end_sentence[512];
    uint64_t dropped;
    int64_t work_us;
};

static struct job *job_at(sl_pipeline *pipeline, int index) {
    return &pipeline->jobs[(pipeline->head + index) % RING];
}

static void set_flag(struct flag *flag, bool set) {
    if (flag->set == set)
        return;
    flag->set = set;
    if (set)
        sl_event_set(&flag->event);
    else
        sl_event_clear(&flag->event);
}

/* With the message, which may be larger. */
static size_t bytes_of(const sl_frame *frame) {
    return frame->size + (frame->message ? strlen(frame->message) : 0);
}

/* Locked, like all that follows up to the workers. What the frames in it occupy. */
static size_t held_bytes(sl_pipeline *pipeline) {
    size_t bytes = 0;
    for (int i = 0; i < pipeline->count; i++)
        bytes += job_at(pipeline, i)->bytes;
    return bytes;
}

static bool has_room(sl_pipeline *pipeline, const sl_frame *coming) {
    int count = pipeline->count + (coming != NULL);
    size_t bytes = held_bytes(pipeline) + (coming ? bytes_of(coming) : 0);
    return count < pipeline->limit && (count == 0 || bytes < BYTES_ENOUGH);
}

static bool is_full(sl_pipeline *pipeline) {
    return pipeline->count >= SL_PIPELINE_CAPACITY || held_bytes(pipeline) >= BYTES_MOST;
}

static void show_ready(sl_pipeline *pipeline) {
    bool done = pipeline->count > 0 && job_at(pipeline, 0)->state == JOB_DONE;
    bool over = pipeline->end_code && pipeline->count == 0 && pipeline->offered.count == 0;
    set_flag(&pipeline->ready, done || over || pipeline->followed.count > 0);
}

static bool shows_room(sl_pipeline *pipeline) {
    return has_room(pipeline, NULL) || pipeline->end_code;
}

/* Makes both flags say what is so. */
static void show(sl_pipeline *pipeline) {
    show_ready(pipeline);
    set_flag(&pipeline->room, shows_room(pipeline));
}

/* The same, but whoever waits for room sleeps on. */
static void show_quietly(sl_pipeline *pipeline) {
    show_ready(pipeline);
    set_flag(&pipeline->room, pipeline->room.set && shows_room(pipeline));
}

static void append(sl_pipeline *pipeline, sl_frame *frame, size_t lane, bool follows) {
    if (follows && pipeline->following[lane] == 0)
        sl_fair_queue_join(&pipeline->fairness, lane);
    *job_at(pipeline, pipeline->count) = (struct job){.state = JOB_WAITING,
                                                      .lane = lane,
                                                      .follows = follows,
                                                      .in = frame,
                                                      .bytes = bytes_of(frame)};
    pipeline->count++;
    pipeline->following[lane] += follows;
    pthread_cond_signal(&pipeline->work);
}

/* Removes the first job, which is done; its frame becomes the caller's. */
static void remove_first(sl_pipeline *pipeline, sl_frame **frame) {
    struct job *job = job_at(pipeline, 0);
    *frame = job->out;
    sl_frame_unref(&job->in);
    free(job->sentence);
    pipeline->head = (pipeline->head + 1) % RING;
    pipeline->count--;
    pipeline->following[job->lane] -= job->follows;
    pthread_cond_signal(&pipeline->work);
}

/* The same, and its failure becomes the caller's, too. */
static int take_first(sl_pipeline *pipeline, sl_frame **frame) {
    const struct job *job = job_at(pipeline, 0);
    int result = job->result;
    if (result)
        sl_fail(result, "%s", job->sentence ? job->sentence : sl_strerror(result));
    remove_first(pipeline, frame);
    return result;
}

/* Lets the newest offered frame in when somebody will come for it soon: nothing else is there for
 * the taker, or the taker waits and a worker is free. Decoding more would be for nothing. */
static void admit_newest(sl_pipeline *pipeline) {
    int most = pipeline->taker_waits ? pipeline->threads : 1;
    sl_frame *frame;
    size_t lane;
    while (pipeline->count < most && (frame = sl_shelf_take(&pipeline->offered, &lane)))
        append(pipeline, frame, lane, false);
}

static void drop_first(sl_pipeline *pipeline) {
    sl_frame *frame = NULL;
    remove_first(pipeline, &frame);
    if (frame && pipeline->kind.dropped)
        pipeline->kind.dropped(pipeline->user, frame);
    sl_frame_unref(&frame);
    pipeline->dropped++;
}

/* A newer frame of its lane is there: what was finished before the taker came is old. */
static void drop_outdated(sl_pipeline *pipeline) {
    while (pipeline->count > 0 && job_at(pipeline, 0)->state == JOB_DONE &&
           pipeline->offered.places[job_at(pipeline, 0)->lane].frame)
        drop_first(pipeline);
}

/* A frame that others follow is done, the first of all because one worker does one at a time. It
 * makes room for what comes at once, whether somebody takes it or not. */
static void put_aside(sl_pipeline *pipeline) {
    size_t lane = job_at(pipeline, 0)->lane;
    sl_frame *frame = NULL;
    remove_first(pipeline, &frame);
    if (!frame)
        return;
    pipeline->dropped += sl_shelf_put(&pipeline->followed, lane, frame, bytes_of(frame));
    pipeline->dropped += sl_shelf_bound(&pipeline->followed, BYTES_ENOUGH);
}

/* Makes the first of all what is the first of the lane whose turn it is; nothing is worked on. */
static void bring_forward(sl_pipeline *pipeline) {
    int chosen = 0;
    for (int i = 1; i < pipeline->count; i++)
        if (sl_fair_queue_before(&pipeline->fairness, job_at(pipeline, i)->lane,
                                 job_at(pipeline, chosen)->lane))
            chosen = i;
    struct job job = *job_at(pipeline, chosen);
    for (int i = chosen; i > 0; i--)
        *job_at(pipeline, i) = *job_at(pipeline, i - 1);
    *job_at(pipeline, 0) = job;
    sl_fair_queue_begin(&pipeline->fairness, job.lane);
}

/* The first job that may be worked on now, or NULL. */
static struct job *find_work(sl_pipeline *pipeline) {
    if (pipeline->count > 0 && job_at(pipeline, 0)->follows)
        bring_forward(pipeline);
    int reach = pipeline->limit > pipeline->threads ? pipeline->limit : pipeline->threads;
    if (held_bytes(pipeline) >= BYTES_ENOUGH)
        reach = 1;
    for (int i = 0; i < pipeline->count && i < reach; i++) {
        struct job *job = job_at(pipeline, i);
        if (job->state == JOB_WAITING)
            return job;
    }
    return NULL;
}

static void note_work_time(sl_pipeline *pipeline, int64_t took_us) {
    pipeline->work_us = pipeline->work_us ? (pipeline->work_us * 7 + took_us) / 8 : took_us;
}

/* Not locked. */
static void work_on(const struct worker *worker, struct job *job) {
    sl_pipeline *pipeline = worker->pipeline;
    job->result = pipeline->kind.work(pipeline->user, worker->state, job->in, &job->out);
    if (job->result)
        job->sentence = strdup(sl_error());
}

static void run_worker(void *argument) {
    struct worker *worker = argument;
    sl_pipeline *pipeline = worker->pipeline;
    sl_thread_compute();
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->stop) {
        struct job *job = find_work(pipeline);
        if (!job) {
            pthread_cond_wait(&pipeline->work, &pipeline->lock);
            continue;
        }
        job->state = JOB_WORKING;
        pthread_mutex_unlock(&pipeline->lock);
        int64_t began_us = sl_now_us();
        work_on(worker, job);
        int64_t took_us = sl_now_us() - began_us;
        pthread_mutex_lock(&pipeline->lock);
        note_work_time(pipeline, took_us);
        job->state = JOB_DONE;
        if (job->out && job->out != job->in)
            job->bytes += bytes_of(job->out);
        if (job->follows) {
            sl_fair_queue_took(&pipeline->fairness, job->lane, took_us);
            put_aside(pipeline);
        }
        admit_newest(pipeline);
        show(pipeline);
    }
    pthread_mutex_unlock(&pipeline->lock);
}

static int start_worker(sl_pipeline *pipeline, struct worker *worker, const char *name) {
    worker->pipeline = pipeline;
    int result = pipeline->kind.open(pipeline->user, &worker->state);
    if (result)
        return result;
    worker->open = true;
    return sl_thread_start(&worker->thread, name, run_worker, worker);
}

int sl_pipeline_open(sl_pipeline **pipeline, const char *name, int threads, int limit,
                     const sl_pipeline_worker *worker, void *user) {
    *pipeline = NULL;
    sl_pipeline *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    opened->kind = *worker;
    opened->user = user;
    opened->offered.gone = opened->followed.gone = worker->dropped;
    opened->offered.user = opened->followed.user = user;
    opened->threads = threads < SL_THREADS_MAX ? threads : SL_THREADS_MAX;
    opened->limit = limit < SL_PIPELINE_CAPACITY ? limit : SL_PIPELINE_CAPACITY;
    pthread_mutex_init(&opened->lock, NULL);
    pthread_cond_init(&opened->work, NULL);
    opened->ready.event.fd = opened->room.event.fd = -1;

    int result = sl_event_init(&opened->ready.event);
    if (!result)
        result = sl_event_init(&opened->room.event);
    for (int i = 0; !result && i < opened->threads; i++)
        result = start_worker(opened, &opened->workers[i], name);
    if (result) {
        sl_pipeline_close(&opened);
        return result;
    }
    show(opened);
    *pipeline = opened;
    return SL_OK;
}

/* Locked. False when the frame has to wait for room. */
static bool put_now(sl_pipeline *pipeline, sl_frame *frame, int *result) {
    *result = SL_OK;
    if (pipeline->end_code) {
        *result = sl_fail(pipeline->end_code, "%s", pipeline->end_sentence);
        return true;
    }
    if (!has_room(pipeline, NULL))
        return false;
    append(pipeline, frame, 0, false);
    show(pipeline);
    return true;
}

int sl_pipeline_put(sl_pipeline *pipeline, sl_frame *frame, const sl_cancel *cancel,
                    int64_t deadline_us) {
    for (;;) {
        int result;
        pthread_mutex_lock(&pipeline->lock);
        bool settled = put_now(pipeline, frame, &result);
        pthread_mutex_unlock(&pipeline->lock);
        if (settled)
            return result;
        result = sl_wait(pipeline->room.event.fd, POLLIN, cancel, deadline_us);
        if (result)
            return result;
    }
}

void sl_pipeline_push(sl_pipeline *pipeline, sl_frame *frame) {
    pthread_mutex_lock(&pipeline->lock);
    if (pipeline->count < SL_PIPELINE_CAPACITY) {
        append(pipeline, frame, 0, false);
        show(pipeline);
    } else {
        if (pipeline->kind.dropped)
            pipeline->kind.dropped(pipeline->user, frame);
        sl_frame_unref(&frame);
        pipeline->dropped++;
    }
    pthread_mutex_unlock(&pipeline->lock);
}

/* Locked. Whether a lane would take little with one more frame, whatever others take. */
static bool takes_little(sl_pipeline *pipeline, size_t lane, const sl_frame *coming) {
    size_t bytes = bytes_of(coming);
    for (int i = 0; i < pipeline->count; i++) {
        const struct job *job = job_at(pipeline, i);
        bytes += job->lane == lane ? job->bytes : 0;
    }
    return bytes <= LANE_BYTES;
}

int sl_pipeline_follow(sl_pipeline *pipeline, sl_frame *frame, size_t lane) {
    pthread_mutex_lock(&pipeline->lock);
    bool full = pipeline->following[lane] >= SL_PIPELINE_CAPACITY ||
                (held_bytes(pipeline) >= BYTES_MOST && !takes_little(pipeline, lane, frame));
    if (!full) {
        append(pipeline, frame, lane, true);
        show(pipeline);
    }
    pthread_mutex_unlock(&pipeline->lock);
    return full ? SL_EAGAIN : SL_OK;
}

int sl_pipeline_following(sl_pipeline *pipeline, size_t lane) {
    pthread_mutex_lock(&pipeline->lock);
    int following = pipeline->following[lane];
    pthread_mutex_unlock(&pipeline->lock);
    return following;
}

void sl_pipeline_offer(sl_pipeline *pipeline, sl_frame *frame, size_t lane) {
    pthread_mutex_lock(&pipeline->lock);
    pipeline->dropped += sl_shelf_put(&pipeline->offered, lane, frame, bytes_of(frame));
    admit_newest(pipeline);
    pipeline->dropped += sl_shelf_bound(&pipeline->offered, BYTES_ENOUGH);
    show(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
}

/* Locked. False while the next frame is being worked on or none is there. */
static bool take_now(sl_pipeline *pipeline, sl_frame **frame, int *result) {
    size_t lane;
    admit_newest(pipeline);
    *result = SL_OK;
    if ((*frame = sl_shelf_take(&pipeline->followed, &lane)))
        return true;
    if (pipeline->count > 0 && job_at(pipeline, 0)->state == JOB_DONE)
        *result = take_first(pipeline, frame);
    else if (pipeline->count == 0 && pipeline->end_code)
        *result = sl_fail(pipeline->end_code, "%s", pipeline->end_sentence);
    else
        return false;
    return true;
}

int sl_pipeline_take(sl_pipeline *pipeline, sl_frame **frame, const sl_cancel *cancel,
                     int64_t deadline_us) {
    *frame = NULL;
    int waited = SL_OK, result = SL_OK;
    for (bool first = true;; first = false) {
        pthread_mutex_lock(&pipeline->lock);
        pipeline->taker_waits = true;
        if (first)
            drop_outdated(pipeline);
        bool settled = take_now(pipeline, frame, &result);
        pipeline->taker_waits = !settled && !waited;
        show_quietly(pipeline);
        pthread_mutex_unlock(&pipeline->lock);
        if (settled)
            return result;
        if (waited)
            return waited;
        waited = sl_wait(pipeline->ready.event.fd, POLLIN, cancel, deadline_us);
    }
}

void sl_pipeline_expire(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    if (!pipeline->end_code)
        pipeline->dropped += sl_shelf_clear(&pipeline->followed);
    show(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
}

void sl_pipeline_show_room(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    show(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
}

void sl_pipeline_set_limit(sl_pipeline *pipeline, int limit) {
    pthread_mutex_lock(&pipeline->lock);
    pipeline->limit = limit < SL_PIPELINE_CAPACITY ? limit : SL_PIPELINE_CAPACITY;
    show(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
}

bool sl_pipeline_has_room(sl_pipeline *pipeline, const sl_frame *coming) {
    pthread_mutex_lock(&pipeline->lock);
    bool room = has_room(pipeline, coming);
    pthread_mutex_unlock(&pipeline->lock);
    return room;
}

bool sl_pipeline_full(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    bool full = is_full(pipeline);
    pthread_mutex_unlock(&pipeline->lock);
    return full;
}

int sl_pipeline_ready_fd(const sl_pipeline *pipeline) {
    return pipeline->ready.event.fd;
}

int sl_pipeline_room_fd(const sl_pipeline *pipeline) {
    return pipeline->room.event.fd;
}

void sl_pipeline_end(sl_pipeline *pipeline, int code, const char *sentence) {
    pthread_mutex_lock(&pipeline->lock);
    if (!pipeline->end_code) {
        pipeline->end_code = code;
        snprintf(pipeline->end_sentence, sizeof pipeline->end_sentence, "%s", sentence);
        show(pipeline);
    }
    pthread_mutex_unlock(&pipeline->lock);
}

int sl_pipeline_ended(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    int result = pipeline->end_code;
    if (result)
        sl_fail(result, "%s", pipeline->end_sentence);
    pthread_mutex_unlock(&pipeline->lock);
    return result;
}

uint64_t sl_pipeline_dropped(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    uint64_t dropped = pipeline->dropped;
    pthread_mutex_unlock(&pipeline->lock);
    return dropped;
}

int64_t sl_pipeline_work_us(sl_pipeline *pipeline) {
    pthread_mutex_lock(&pipeline->lock);
    int64_t work_us = pipeline->work_us;
    pthread_mutex_unlock(&pipeline->lock);
    return work_us;
}

void sl_pipeline_close(sl_pipeline **pipeline) {
    sl_pipeline *closing = *pipeline;
    if (!closing)
        return;
    *pipeline = NULL;
    pthread_mutex_lock(&closing->lock);
    closing->stop = true;
    pthread_cond_broadcast(&closing->work);
    pthread_mutex_unlock(&closing->lock);
    for (int i = 0; i < closing->threads; i++) {
        struct worker *worker = &closing->workers[i];
        sl_thread_join(&worker->thread);
        if (worker->open)
            closing->kind.close(closing->user, worker->state);
    }
    for (int i = 0; i < closing->count; i++) {
        sl_frame_unref(&job_at(closing, i)->in);
        sl_frame_unref(&job_at(closing, i)->out);
        free(job_at(closing, i)->sentence);
    }
    closing->offered.gone = closing->followed.gone = NULL; /* its user may be half closed */
    sl_shelf_clear(&closing->offered);
    sl_shelf_clear(&closing->followed);
    sl_event_finish(&closing->ready.event);
    sl_event_finish(&closing->room.event);
    pthread_cond_destroy(&closing->work);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}
