/* Ends of the library's for tests, a camera's or a viewer's, told what to do by standard input. The
 * tests build and run it.
 *
 * A request is several parts: their count, then each as its size and its bytes; numbers are 32-bit
 * in the machine's order. The answer is made the same way: `ok` or `frame` with what there is to
 * tell, `end`, or `error`, the code's name and its sentence. What isn't there is empty.
 *
 *     sender NAME=VALUE…                  ok END, which the others name
 *     receiver NAME=VALUE…                ok END
 *     send END DTYPE SHAPE BYTES MESSAGE  ok, once acknowledged; with what came back, as below
 *     give END DTYPE SHAPE BYTES MESSAGE  ok; goes back from now on
 *     recv END SECONDS                    frame DTYPE SHAPE BYTES MESSAGE PORT, or end
 *     close END                           ok
 */
#include <sightline/sightline.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 64
#define ENDS_MAX  64
#define WAIT_MS   60000

struct part {
    size_t size;
    char *bytes; /* with a NUL behind them */
};

struct request {
    uint32_t count;
    struct part parts[PARTS_MAX];
};

struct end {
    sl_sender *sender;
    sl_receiver *receiver;
};

static struct end ends[ENDS_MAX]; /* those that are open have one of both */

/* Whatever can't be read or written means that the test is over. */
static uint32_t read_number(void) {
    uint32_t number;
    if (fread(&number, sizeof number, 1, stdin) != 1)
        exit(0);
    return number;
}

static void read_request(struct request *request) {
    request->count = read_number();
    for (uint32_t i = 0; i < PARTS_MAX; i++) {
        struct part *part = &request->parts[i];
        part->size = i < request->count ? read_number() : 0;
        part->bytes = calloc(1, part->size + 1);
        if (!part->bytes || fread(part->bytes, 1, part->size, stdin) != part->size)
            exit(1);
    }
}

static void forget_request(struct request *request) {
    for (uint32_t i = 0; i < PARTS_MAX; i++)
        free(request->parts[i].bytes);
}

static void write_part(const void *bytes, size_t size) {
    uint32_t number = (uint32_t)size;
    fwrite(&number, sizeof number, 1, stdout);
    fwrite(bytes, 1, size, stdout);
}

static void write_text(const char *text) {
    write_part(text, strlen(text));
}

static void begin_answer(uint32_t count, const char *verb) {
    fwrite(&count, sizeof count, 1, stdout);
    write_text(verb);
}

static void answer(int code) {
    if (code == SL_OK) {
        begin_answer(1, "ok");
    } else if (code == SL_EEND) {
        begin_answer(1, "end");
    } else {
        begin_answer(3, "error");
        write_text(sl_error_name(code));
        write_text(sl_error());
    }
}

/* Sets what the request says, from its second part on: NAME=VALUE. */
static int set_all(void *settings, struct request *request) {
    int code = SL_OK;
    for (uint32_t i = 1; i < request->count && code == SL_OK; i++) {
        char *name = request->parts[i].bytes, *value = strchr(name, '=');
        if (!value)
            exit(1);
        *value = '\0';
        code = sl_settings_set(settings, name, value + 1);
    }
    return code;
}

static int open_sender(struct end *end, struct request *request) {
    sl_sender_settings settings;
    sl_sender_settings_init(&settings);
    int code = set_all(&settings, request);
    if (code == SL_OK)
        code = sl_sender_open(&end->sender, &settings);
    sl_settings_finish(&settings);
    return code;
}

static int open_receiver(struct end *end, struct request *request) {
    sl_receiver_settings settings;
    sl_receiver_settings_init(&settings);
    int code = set_all(&settings, request);
    if (code == SL_OK)
        code = sl_receiver_open(&end->receiver, &settings);
    sl_settings_finish(&settings);
    return code;
}

/* The array of three parts: dtype, "2,3,4" and the bytes. */
static int make_array(sl_frame **frame, const struct part *parts) {
    int64_t shape[SL_DIMENSIONS_MAX];
    int dimensions = 0;
    for (char *text = parts[1].bytes; *text && dimensions < SL_DIMENSIONS_MAX; dimensions++) {
        shape[dimensions] = strtoll(text, &text, 10);
        text += *text == ',';
    }
    int code = sl_frame_new_array(frame, parts[0].bytes, dimensions, shape);
    if (code == SL_OK && (*frame)->size != parts[2].size)
        exit(1);
    if (code == SL_OK)
        memcpy((*frame)->planes[0], parts[2].bytes, parts[2].size);
    return code;
}

static const char *text_of(const struct part *part) {
    return part->size ? part->bytes : NULL;
}

/* As an answer of five parts more; a message alone has no array. */
static void write_frame(const char *verb, const sl_frame *frame) {
    char shape[SL_DIMENSIONS_MAX * 21 + 1] = "";
    for (int i = 0, at = 0; i < frame->dimensions; i++)
        at += snprintf(shape + at, sizeof shape - (size_t)at, "%s%lld", i ? "," : "",
                       (long long)frame->shape[i]);
    begin_answer(6, verb);
    write_text(frame->dtype);
    write_text(shape);
    write_part(frame->planes[0], frame->size);
    write_text(frame->message ? frame->message : "");
    write_text(frame->port ? frame->port : "");
}

static void answer_returned(sl_sender *sender) {
    sl_frame *returned = NULL;
    if (sl_sender_returned(sender, &returned) == SL_OK)
        write_frame("ok", returned);
    else
        begin_answer(1, "ok");
    sl_frame_unref(&returned);
}

static void send_frame(struct end *end, struct request *request) {
    sl_frame *frame = NULL;
    int code = make_array(&frame, &request->parts[2]);
    if (code == SL_OK)
        code = sl_frame_set_message(frame, text_of(&request->parts[5]));
    if (code == SL_OK)
        code = sl_sender_send(end->sender, frame, WAIT_MS);
    if (code == SL_OK)
        code = sl_sender_flush(end->sender, WAIT_MS);
    sl_frame_unref(&frame);
    if (code == SL_OK)
        answer_returned(end->sender);
    else
        answer(code);
}

static void give(struct end *end, struct request *request) {
    sl_frame *array = NULL;
    int code = SL_OK;
    if (request->parts[2].size)
        code = make_array(&array, &request->parts[2]);
    if (code == SL_OK)
        code = sl_receiver_return(end->receiver, text_of(&request->parts[5]), array);
    sl_frame_unref(&array);
    answer(code);
}

static void receive(struct end *end, struct request *request) {
    sl_frame *frame = NULL;
    int timeout_ms = (int)(1000 * strtod(request->parts[2].bytes, NULL));
    int code = sl_receiver_recv(end->receiver, &frame, timeout_ms);
    if (code == SL_OK)
        write_frame("frame", frame);
    else
        answer(code);
    sl_frame_unref(&frame);
}

static void close_end(struct end *end) {
    sl_sender_close(&end->sender);
    sl_receiver_close(&end->receiver);
}

static void open_end(struct request *request, bool sender) {
    char text[12];
    unsigned number = 0;
    while (ends[number].sender || ends[number].receiver)
        if (++number == ENDS_MAX)
            exit(1);
    struct end *end = &ends[number];
    int code = sender ? open_sender(end, request) : open_receiver(end, request);
    if (code) {
        answer(code);
        return;
    }
    snprintf(text, sizeof text, "%u", number);
    begin_answer(2, "ok");
    write_text(text);
}

/* The end that a request names; the first one where it names none. */
static struct end *end_of(const struct request *request) {
    unsigned long number = strtoul(request->parts[1].bytes, NULL, 10);
    if (number >= ENDS_MAX)
        exit(1);
    return &ends[number];
}

static void serve(struct request *request) {
    const char *verb = request->parts[0].bytes;
    struct end *end = end_of(request);
    if (strcmp(verb, "sender") == 0) {
        open_end(request, true);
    } else if (strcmp(verb, "receiver") == 0) {
        open_end(request, false);
    } else if (strcmp(verb, "send") == 0) {
        send_frame(end, request);
    } else if (strcmp(verb, "give") == 0) {
        give(end, request);
    } else if (strcmp(verb, "recv") == 0) {
        receive(end, request);
    } else if (strcmp(verb, "close") == 0) {
        close_end(end);
        answer(SL_OK);
    } else {
        exit(1);
    }
    fflush(stdout);
}

static void tell(void *user, sl_log_level level, const char *room, const char *line) {
    (void)user, (void)level;
    fprintf(stderr, "%s: %s\n", room, line);
}

int main(void) {
    static struct request request;
    sl_log_set(tell, NULL, SL_LOG_WARNING);
    for (;;) {
        read_request(&request);
        serve(&request);
        forget_request(&request);
    }
}
