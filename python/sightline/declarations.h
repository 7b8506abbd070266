/* Made from include/sightline/ by tools/declarations; `make format` makes it anew. */
typedef struct sl_camera_mode {
    char format[32];
    int width, height;
    double fps;
} sl_camera_mode;
typedef struct sl_camera {
    char device[64];
    int index;
    char name[64];
    char problem[160];
    sl_camera_mode *modes;
    size_t mode_count;
    void *reserved[8];
} sl_camera;
typedef struct sl_camera_list {
    sl_camera *cameras;
    size_t count;
} sl_camera_list;
int sl_camera_list_open(sl_camera_list **list);
void sl_camera_list_close(sl_camera_list **list);
typedef struct sl_cancel sl_cancel;
int sl_cancel_open(sl_cancel **cancel);
void sl_cancel_trigger(sl_cancel *cancel);
bool sl_cancel_triggered(const sl_cancel *cancel);
int sl_cancel_fd(const sl_cancel *cancel);
void sl_cancel_close(sl_cancel **cancel);
typedef enum sl_format {
    SL_FORMAT_NONE,
    SL_FORMAT_ARRAY,
    SL_FORMAT_GRAY,
    SL_FORMAT_BGR,
    SL_FORMAT_I420,
    SL_FORMAT_I422,
    SL_FORMAT_I444,
    SL_FORMAT_JPEG,
    SL_FORMAT_H264,
    SL_FORMAT_HEVC,
    SL_FORMAT_AV1,
} sl_format;
typedef enum sl_colorspace {
    SL_COLORSPACE_BGR,
    SL_COLORSPACE_RGB,
    SL_COLORSPACE_RGBX,
    SL_COLORSPACE_BGRX,
    SL_COLORSPACE_XBGR,
    SL_COLORSPACE_XRGB,
    SL_COLORSPACE_GRAY,
    SL_COLORSPACE_RGBA,
    SL_COLORSPACE_BGRA,
    SL_COLORSPACE_ABGR,
    SL_COLORSPACE_ARGB,
    SL_COLORSPACE_CMYK,
} sl_colorspace;
typedef struct sl_frame {
    sl_format format;
    int width, height;
    int full_width, full_height;
    uint8_t *planes[3];
    size_t strides[3];
    size_t size;
    char dtype[32];
    int dimensions;
    int64_t shape[8];
    sl_colorspace colorspace;
    bool fast_dct, fast_upsample;
    bool keyframe;
    uint64_t sequence;
    int64_t captured_utc_us;
    int64_t captured_monotonic_us;
    const char *message;
    const char *port;
} sl_frame;
int sl_frame_new(sl_frame **frame, sl_format format, int width, int height);
int sl_frame_new_array(sl_frame **frame, const char *dtype, int dimensions,
                              const int64_t *shape);
int sl_frame_wrap_array(sl_frame **frame, const char *dtype, int dimensions,
                               const int64_t *shape, void *data,
                               void (*release)(void *opaque, void *data), void *opaque);
int sl_frame_set_message(sl_frame *frame, const char *json);
int sl_frame_with_message(sl_frame **with, const sl_frame *frame, const char *json);
int sl_frame_wait(const sl_frame *frame, sl_cancel *cancel, int timeout_ms);
sl_frame *sl_frame_ref(const sl_frame *frame);
void sl_frame_unref(sl_frame **frame);
size_t sl_dtype_size(const char *dtype);
bool sl_timecode_read(const sl_frame *frame, uint32_t *milliseconds);
bool sl_timecode_draw(sl_frame *frame, int64_t utc_us);
typedef enum sl_option_type {
    SL_OPTION_BOOL,
    SL_OPTION_INT,
    SL_OPTION_NUMBER,
    SL_OPTION_STRING,
    SL_OPTION_CHOICE,
    SL_OPTION_SIZE,
    SL_OPTION_PARSED,
} sl_option_type;
typedef struct sl_size {
    int width;
    int height;
} sl_size;
typedef struct sl_option {
    const char *name;
    sl_option_type type;
    size_t offset;
    double minimum, maximum;
    const char *const *choices;
    int (*parse)(void *field, const char *value);
    const char *fallback;
    const char *values;
    const char *help;
    const char *several;
    void *reserved[3];
} sl_option;
typedef struct sl_option_group {
    const char *title;
    const sl_option *options;
    size_t count;
    size_t offset;
} sl_option_group;
typedef struct sl_settings {
    const sl_option_group *groups;
    struct sl_settings_string *strings;
    void *reserved[4];
} sl_settings;
int sl_settings_set(void *settings, const char *name, const char *value);
int sl_settings_offer(void *const *settings, size_t count, const char *name,
                             const char *value);
const sl_option *sl_settings_find(const void *settings, const char *name);
const char *sl_settings_nearest(const char *word, const char *const *known, size_t count);
const sl_option_group *sl_settings_groups(const void *settings);
int sl_settings_load(void *const *settings, size_t count, const char *path);
void sl_settings_finish(void *settings);
typedef enum sl_video_codec {
    SL_VIDEO_AUTO,
    SL_VIDEO_H264,
    SL_VIDEO_HEVC,
    SL_VIDEO_AV1,
    SL_VIDEO_JPEG,
} sl_video_codec;
typedef enum sl_video_preset {
    SL_PRESET_AUTO,
    SL_PRESET_ULTRAFAST,
    SL_PRESET_SUPERFAST,
    SL_PRESET_VERYFAST,
    SL_PRESET_FASTER,
    SL_PRESET_FAST,
    SL_PRESET_MEDIUM,
    SL_PRESET_SLOW,
    SL_PRESET_SLOWER,
    SL_PRESET_VERYSLOW,
} sl_video_preset;
typedef struct sl_codec_settings {
    bool jpeg;
    sl_colorspace colorspace;
    int quality;
    bool fast_dct;
    bool fast_upsample;
    sl_video_codec video_codec;
    const char *video_encoder;
    sl_video_preset video_preset;
    bool hardware_decoding;
    bool video_copy;
    int min_quality;
    void *reserved[4];
} sl_codec_settings;
typedef struct sl_gate_settings {
    const char *listen;
    const char *authorized_keys;
    const char *password_file;
    int max_connections;
    int max_unauthenticated;
    int max_attempts;
    int login_timeout_s;
    int buffer_kib;
    int max_per_key;
    void *reserved[2];
} sl_gate_settings;
typedef struct sl_gate_place {
    char address[64];
    int port;
    int link_port;
    char host_key[64];
} sl_gate_place;
typedef enum sl_pattern {
    SL_PATTERN_PAIR,
    SL_PATTERN_REQREP,
    SL_PATTERN_PUBSUB,
    SL_PATTERN_LIVE,
} sl_pattern;
const char *sl_pattern_name(sl_pattern pattern);
typedef enum sl_protocol { SL_PROTOCOL_TCP, SL_PROTOCOL_IPC } sl_protocol;
typedef struct sl_link_settings {
    const char *address;
    int port;
    sl_protocol protocol;
    sl_pattern pattern;
    int max_retries;
    double request_timeout_s;
    double
        subscriber_timeout_s;
    int64_t max_message_bytes;
    int secure_mode;
    const char
        *custom_cert_location;
    bool overwrite_cert;
    bool bidirectional_mode;
    bool multiserver_mode;
    bool multiclient_mode;
    const char *ports;
    const char *port_text;
    void *reserved[11];
} sl_link_settings;
typedef enum sl_tunnel_state {
    SL_TUNNEL_NONE,
    SL_TUNNEL_RESOLVING,
    SL_TUNNEL_CONNECTING,
    SL_TUNNEL_VERIFYING,
    SL_TUNNEL_AUTHENTICATING,
    SL_TUNNEL_FORWARDING,
    SL_TUNNEL_UP,
    SL_TUNNEL_WAITING,
} sl_tunnel_state;
const char *sl_tunnel_state_name(sl_tunnel_state state);
typedef enum sl_host_key_policy {
    SL_HOST_KEY_STRICT,
    SL_HOST_KEY_ACCEPT_NEW,
} sl_host_key_policy;
typedef enum sl_ssh_backend {
    SL_SSH_LIBSSH,
    SL_SSH_OPENSSH,
} sl_ssh_backend;
typedef int sl_ask_function(void *user, const char *prompt, bool echo, char *answer, size_t size);
typedef struct sl_tunnel_settings {
    const char *destination;
    const char *password;
    const char *password_file;
    const char *key_file;
    const char *passphrase_file;
    const char *host_key;
    sl_host_key_policy host_key_policy;
    const char *known_hosts;
    int connect_timeout_s;
    int alive_timeout_s;
    sl_ask_function *ask;
    void *ask_user;
    const char *ssh_config;
    sl_ssh_backend backend;
    bool persist;
    const char *jump;
    const char *jump_keys;
    void *reserved[12];
} sl_tunnel_settings;
typedef struct sl_latency {
    double last, p50, p95, p99, max;
} sl_latency;
typedef enum sl_drop { SL_DROP_SKIPPED, SL_DROP_NEWER, SL_DROP_AWAY, SL_DROP_LOST, SL_DROP_UNUSABLE, SL_DROP_UNSHOWN, SL_DROPS } sl_drop;
const char *sl_drop_name(sl_drop drop);
typedef struct sl_live_stats {
    const char *encoder;
    int width, height;
    int quantiser;
    int64_t target_rate;
    int64_t delivery_rate;
    double fps;
    uint64_t window;
    uint64_t in_flight;
    double queue_ms;
    double round_trip_ms;
    bool watched;
} sl_live_stats;
typedef struct sl_stats {
    uint64_t frames;
    uint64_t dropped;
    uint64_t drops[SL_DROPS];
    uint64_t rejected;
    uint64_t bytes;
    int64_t bit_rate;
    uint64_t reconnects;
    double seconds;
    bool connected;
    int port;
    sl_tunnel_state tunnel;
    sl_latency latency;
    uint64_t tunnel_reconnects;
    char tunnel_reason[512];
    uint64_t encoded;
    bool live;
    sl_live_stats live_stats;
    int quality;
    uint64_t unchanged;
    void *reserved[2];
} sl_stats;
typedef enum sl_view_state { SL_VIEW_LIVE, SL_VIEW_UNWATCHED, SL_VIEW_SILENT, SL_VIEW_LOST, SL_VIEW_GONE, SL_VIEW_STATES } sl_view_state;
const char *sl_view_state_name(sl_view_state state);
const char *sl_view_codec_name(sl_format format);
typedef struct sl_camera_view {
    char id[96];
    char name[128];
    char port[128];
    sl_view_state state;
    int64_t since_us;
    int64_t last_us;
    char reason[256];
    sl_format format;
    int width, height;
    uint64_t frames;
    uint64_t dropped;
    uint64_t bytes;
    int64_t bit_rate;
    double fps;
    sl_latency latency;
    uint64_t ages[13];
    double ages_s;
    void *reserved[8];
} sl_camera_view;
typedef struct sl_tap {
    void (*take)(void *user, const sl_frame *coded);
    void *user;
} sl_tap;
typedef struct sl_viewer {
    void *user;
    void (*stats)(void *user, sl_stats *stats);
    size_t (*cameras)(void *user, sl_camera_view *cameras, size_t room);
    void (*refresh)(void *user, const char *port);
} sl_viewer;
typedef struct sl_receiver sl_receiver;
typedef enum sl_output {
    SL_OUTPUT_ARRAY,
    SL_OUTPUT_PLANES,
    SL_OUTPUT_CODED,
    SL_OUTPUT_JPEG,
} sl_output;
typedef struct sl_receiver_settings {
    sl_settings settings;
    sl_link_settings link;
    sl_tunnel_settings tunnel;
    sl_codec_settings codec;
    sl_output output;
    bool every_frame;
    bool timecode;
    int threads;
    sl_cancel *cancel;
    sl_gate_settings gate;
    int smooth_ms;
    bool full_size;
    bool stay;
    bool unwatched;
    void *reserved[7];
} sl_receiver_settings;
void sl_receiver_settings_init(sl_receiver_settings *settings);
int sl_receiver_check(const sl_receiver_settings *settings);
int sl_receiver_open(sl_receiver **receiver, const sl_receiver_settings *settings);
int sl_receiver_recv(sl_receiver *receiver, sl_frame **frame, int timeout_ms);
int sl_receiver_ended(const sl_receiver *receiver);
int sl_receiver_return(sl_receiver *receiver, const char *json, const sl_frame *array);
bool sl_receiver_gate(const sl_receiver *receiver, sl_gate_place *place);
void sl_receiver_stats(const sl_receiver *receiver, sl_stats *stats);
void sl_receiver_set_output(sl_receiver *receiver, sl_output output);
int sl_receiver_tap(sl_receiver *receiver, const sl_tap *tap);
void sl_receiver_untap(sl_receiver *receiver, const void *user);
size_t sl_receiver_cameras(const sl_receiver *receiver, sl_camera_view *cameras,
                                  size_t room);
void sl_receiver_refresh(sl_receiver *receiver, const char *port);
void sl_receiver_viewer(sl_receiver *receiver, sl_viewer *viewer);
void sl_receiver_finish(sl_receiver *receiver);
void sl_receiver_close(sl_receiver **receiver);
typedef enum sl_preference {
    SL_PREFER_SHARP,
    SL_PREFER_SMOOTH,
} sl_preference;
typedef struct sl_live_settings {
    int max_age_ms;
    double min_fps;
    int max_rate_kbit;
    int data_cap_mb;
    sl_preference prefer;
    const char *name;
    void *reserved[7];
} sl_live_settings;
typedef struct sl_sender sl_sender;
typedef struct sl_sender_settings {
    sl_settings settings;
    sl_link_settings link;
    sl_tunnel_settings tunnel;
    sl_codec_settings codec;
    int threads;
    sl_cancel *cancel;
    const char *destinations;
    sl_live_settings live;
    void *reserved[15];
} sl_sender_settings;
typedef struct sl_destination {
    const char *name;
    const char *endpoint;
    const char *ssh;
    const sl_link_settings *link;
    sl_stats stats;
    int failure;
    char reason[512];
    void *reserved[8];
} sl_destination;
void sl_sender_settings_init(sl_sender_settings *settings);
int sl_sender_check(const sl_sender_settings *settings);
int sl_sender_open(sl_sender **sender, const sl_sender_settings *settings);
int sl_sender_wait(sl_sender *sender, int timeout_ms);
int sl_sender_send(sl_sender *sender, const sl_frame *frame, int timeout_ms);
void sl_sender_lost(sl_sender *sender, const char *why);
int sl_sender_flush(sl_sender *sender, int timeout_ms);
int sl_sender_returned(sl_sender *sender, sl_frame **returned);
void sl_sender_stats(const sl_sender *sender, sl_stats *stats);
size_t sl_sender_destinations(const sl_sender *sender);
void sl_sender_destination(const sl_sender *sender, size_t index,
                                  sl_destination *destination);
void sl_sender_finish(sl_sender *sender);
void sl_sender_close(sl_sender **sender);
typedef enum sl_verdict {
    SL_VERDICT_GOOD,
    SL_VERDICT_BAD,
    SL_VERDICT_SKIPPED,
    SL_VERDICT_UNKNOWN,
    SL_VERDICT_LIMITED,
} sl_verdict;
typedef struct sl_check {
    const char *name;
    sl_verdict verdict;
    int code;
    const char *text;
    double ms;
    double value;
    const char *unit;
    const char *server;
    const char *destination;
    void *reserved[4];
} sl_check;
typedef void sl_check_function(void *user, const sl_check *check);
int sl_doctor_examine(const sl_sender_settings *settings, sl_check_function *tell,
                             void *user);
int sl_doctor_examine_viewer(const sl_receiver_settings *settings, sl_check_function *tell,
                                    void *user);
enum sl_error_code { SL_OK = 0, SL_EINVAL = (-1), SL_ENOMEM = (-2), SL_ESYSTEM = (-3), SL_EAGAIN = (-4), SL_ECANCELED = (-5), SL_EEND = (-6), SL_ESOURCE = (-7), SL_ESINK = (-8), SL_EUNREACHABLE = (-9), SL_EAUTH = (-10), SL_EHOSTKEY = (-11), SL_EFORWARD = (-12), SL_EPEER = (-13), SL_ETIMEOUT = (-14), SL_EMESSAGE = (-15), SL_EUNSUPPORTED = (-16), SL_EINUSE = (-17), };
const char *sl_strerror(int code);
const char *sl_error_name(int code);
const char *sl_error(void);
typedef enum sl_key_owner { SL_KEY_OF_SENDER = 1, SL_KEY_OF_RECEIVER = 2 } sl_key_owner;
typedef struct sl_key {
    char *file;
    char public_key[41];
    bool secret;
    char problem[512];
    void *reserved[8];
} sl_key;
typedef struct sl_key_list {
    char *folder;
    sl_key *keys;
    size_t count;
    void *reserved[8];
} sl_key_list;
int sl_keys_make(const char *location, int owners, bool overwrite);
int sl_key_list_open(sl_key_list **list, const char *location);
void sl_key_list_close(sl_key_list **list);
int sl_keys_export(const char *location, sl_key_owner owner, char text[1024]);
typedef enum sl_log_level {
    SL_LOG_NONE,
    SL_LOG_ERROR,
    SL_LOG_WARNING,
    SL_LOG_INFO,
    SL_LOG_DEBUG,
} sl_log_level;
typedef void sl_log_function(void *user, sl_log_level level, const char *room, const char *line);
void sl_log_set(sl_log_function *function, void *user, sl_log_level level);
typedef struct sl_invitation {
    char line[640];
    char host[256];
    int port;
    char host_key[64];
    int valid_s;
    bool host_given;
    bool gate_open;
    void *reserved[8];
} sl_invitation;
int sl_pair_invite(const sl_receiver_settings *settings, const char *host,
                          sl_invitation *invitation);
int sl_pair_join(const char *line, const char *name, sl_cancel *cancel);
int sl_pair_viewer(char *path, size_t size);
typedef struct sl_paired {
    const char *name;
    const char *fingerprint;
    const char *problem;
    void *reserved[4];
} sl_paired;
typedef void sl_paired_function(void *user, const sl_paired *paired);
int sl_pair_list(const sl_receiver_settings *settings, sl_paired_function *tell, void *user);
int sl_pair_revoke(const sl_receiver_settings *settings, const char *which);
typedef struct sl_recorder sl_recorder;
typedef struct sl_extent {
    int64_t us;
    int64_t bytes;
} sl_extent;
typedef struct sl_recorder_settings {
    sl_settings settings;
    const char *directory;
    int before_s;
    sl_extent segment;
    sl_extent keep;
    bool idle;
    const sl_viewer *viewer;
    void *reserved[16];
} sl_recorder_settings;
typedef enum sl_recording_state {
    SL_RECORDING_OFF,
    SL_RECORDING_ON,
    SL_RECORDING_WAITING,
    SL_RECORDING_FULL,
    SL_RECORDING_FAILED,
} sl_recording_state;
const char *sl_recording_state_name(sl_recording_state state);
typedef struct sl_recording {
    sl_recording_state state;
    char path[1024];
    char reason[256];
    int64_t since_us;
    int64_t until_us;
    uint64_t frames;
    uint64_t bytes;
    uint64_t lost;
    void *reserved[8];
} sl_recording;
void sl_recorder_settings_init(sl_recorder_settings *settings);
int sl_recorder_open(sl_recorder **recorder, const sl_recorder_settings *settings);
void sl_recorder_take(sl_recorder *recorder, const sl_frame *coded);
int sl_recorder_start(sl_recorder *recorder, const char *port, double seconds);
int sl_recorder_stop(sl_recorder *recorder, const char *port);
bool sl_recorder_wants(sl_recorder *recorder);
void sl_recorder_status(sl_recorder *recorder, const char *port, sl_recording *recording);
int sl_recorder_close(sl_recorder **recorder);
typedef struct sl_sink sl_sink;
typedef struct sl_sink_settings {
    sl_settings settings;
    const char *sink;
    const char *title;
    const char *directory;
    double fps;
    sl_cancel *cancel;
    void *reserved[16];
} sl_sink_settings;
void sl_sink_settings_init(sl_sink_settings *settings);
int sl_sink_open(sl_sink **sink, const sl_sink_settings *settings);
sl_output sl_sink_output(const sl_sink *sink);
int sl_sink_tap(sl_sink *sink, sl_tap *tap, const sl_viewer *viewer);
int sl_sink_write(sl_sink *sink, const sl_frame *frame);
int sl_sink_idle(sl_sink *sink);
bool sl_sink_interactive(const sl_sink *sink);
void sl_sink_status(sl_sink *sink, const char *line);
void sl_sink_tell(sl_sink *sink, const sl_camera_view *cameras, size_t count);
uint64_t sl_sink_dropped(const sl_sink *sink);
int sl_sink_close(sl_sink **sink);
typedef struct sl_source sl_source;
typedef enum sl_deliver {
    SL_DELIVER_ANY,
    SL_DELIVER_PIXELS,
    SL_DELIVER_BGR,
    SL_DELIVER_GRAY,
} sl_deliver;
typedef struct sl_source_settings {
    sl_settings settings;
    const char *source;
    sl_size size;
    double fps;
    bool unpaced;
    bool loop;
    const char *filter;
    bool timecode;
    sl_deliver deliver;
    sl_cancel *cancel;
    sl_format video;
    void *reserved[15];
} sl_source_settings;
typedef struct sl_source_stats {
    uint64_t frames;
    uint64_t dropped;
    uint64_t corrupt;
    uint64_t reopened;
    bool away;
    void *reserved[8];
} sl_source_stats;
void sl_source_settings_init(sl_source_settings *settings);
int sl_source_open(sl_source **source, const sl_source_settings *settings);
int sl_source_read(sl_source *source, sl_frame **frame, int timeout_ms);
bool sl_source_live(const sl_source *source);
const char *sl_source_describe(const sl_source *source);
double sl_source_fps(const sl_source *source);
void sl_source_stats_get(const sl_source *source, sl_source_stats *stats);
void sl_source_close(sl_source **source);
const char *sl_version(void);
typedef struct sl_web sl_web;
typedef struct sl_web_settings {
    sl_settings settings;
    const char *listen;
    const char *token;
    const char *hosts;
    const char *certificate;
    const char *key;
    const sl_viewer *viewer;
    sl_recorder *recorder;
    void *reserved[16];
} sl_web_settings;
typedef enum sl_web_wish {
    SL_WEB_NOTHING,
    SL_WEB_CODED,
    SL_WEB_PICTURES
} sl_web_wish;
void sl_web_settings_init(sl_web_settings *settings);
int sl_web_open(sl_web **web, const sl_web_settings *settings);
const char *sl_web_link(const sl_web *web);
void sl_web_take(sl_web *web, const sl_frame *coded);
void sl_web_show(sl_web *web, const sl_frame *picture);
sl_web_wish sl_web_wants(sl_web *web);
int sl_web_wait(sl_web *web, sl_web_wish was, sl_cancel *cancel, int timeout_ms);
void sl_web_close(sl_web **web);
