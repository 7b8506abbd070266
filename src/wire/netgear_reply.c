/*
 * NetGear's replies that carry something back, written and read. What is read comes from a peer
 * who may be hostile. Called by the stream room.
 */
#include "wire/netgear.h"

#include "base/error.h"
#include "frame/frame.h"
#include "wire/json.h"

#include <jansson.h>
#include <string.h>

/* What Python calls it. */
static const char *type_of(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "dict";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "str";
    case JSON_INTEGER:
        return "int";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    default:
        return "NoneType";
    }
}

int sl_netgear_write_data(const char *port, const char *json, sl_buffer **reply) {
    *reply = NULL;
    json_t *data = json ? sl_json_parse(json) : json_null();
    if (!data)
        return SL_EINVAL;
    const char *type = type_of(data);
    json_t *rest = json_pack("{s:s, s:o}", "return_type", type, "data", data);
    return sl_json_write(sl_json_with_port(port, rest), reply);
}

int sl_netgear_write_array(const char *port, const sl_frame *coded, sl_buffer **head) {
    const char *dtype = coded->format == SL_FORMAT_JPEG ? "" : coded->dtype;
    *head = NULL;
    json_t *rest = json_pack("{s:s, s:o, s:s, s:o, s:n}", "return_type", "ndarray", "compression",
                             sl_json_compression(coded), "array_dtype", dtype, "array_shape",
                             sl_json_shape(coded), "data");
    return sl_json_write(sl_json_with_port(port, rest), head);
}

/* A frame that is no picture, to hold a message. */
static int new_message(sl_frame **frame) {
    sl_buffer *nothing;
    int result = sl_buffer_new(&nothing, 0);
    if (result != SL_OK)
        return result;
    result = sl_frame_new_coded(frame, SL_FORMAT_NONE, nothing);
    sl_buffer_unref(&nothing);
    return result;
}

static int read_data(const json_t *reply, const char *port, sl_frame **returned) {
    const json_t *data = json_object_get(reply, "data");
    if (!data)
        return sl_fail(SL_EMESSAGE, "a message is not NetGear's: \"data\" is missing");
    if (json_is_null(data) && !port[0])
        return SL_OK;
    int result = new_message(returned);
    return result == SL_OK ? sl_json_message(data, *returned) : result;
}

static int read_reply(const json_t *reply, sl_buffer *const *parts, size_t count,
                      sl_frame **returned) {
    static const sl_json_keys keys = {.dtype = "array_dtype", .shape = "array_shape"};
    char port[SL_NETGEAR_PORT_MAX];
    bool array = false;
    const char *type = sl_json_string(reply, "return_type");
    int result = type ? sl_json_port(reply, port) : SL_EMESSAGE;
    if (result == SL_OK)
        array = strcmp(type, "ndarray") == 0;
    if (result == SL_OK && count != (array ? 2 : 1))
        result = sl_fail(SL_EMESSAGE, "a message is not NetGear's: it has %zu parts, where %s",
                         count, array ? "one with an array has two" : "others have one");
    if (result == SL_OK)
        result = array ? sl_json_frame(reply, &keys, parts[1], returned)
                       : read_data(reply, port, returned);
    if (result == SL_OK && *returned && port[0])
        result = sl_frame_set_port(*returned, port);
    return result;
}

int sl_netgear_read_reply(sl_buffer *const *parts, size_t count, sl_frame **returned) {
    *returned = NULL;
    if (count < 1 || count > 2)
        return sl_fail(
            SL_EMESSAGE,
            "a message is not NetGear's: it has %zu parts, where replies have one or two", count);
    json_t *reply = sl_json_head(parts[0]);
    int result = reply ? read_reply(reply, parts, count, returned) : SL_EMESSAGE;
    json_decref(reply);
    if (result != SL_OK)
        sl_frame_unref(returned);
    return result;
}
