#include "vault/json/json.h"

#include <stdio.h>

#include "base/wipe.h"

#define TEXT_MAX ((size_t)8 << 20)

struct shape {
    unsigned depth;
    unsigned deepest;
    size_t num_values; /* or a few more: an empty list or object counts twice */
};

static void note_mark(struct shape *shape, uint8_t mark)
{
    bool is_opening = mark == '{' || mark == '[';
    if (is_opening && ++shape->depth > shape->deepest)
        shape->deepest = shape->depth;
    if ((mark == '}' || mark == ']') && shape->depth > 0)
        shape->depth--;
    if (is_opening || mark == ',')
        shape->num_values++;
}

/* jansson's own limit of depth is 2048 and fixed, and it has none of values, of
 * which three bytes of text can take three hundred: count before it reads. */
static struct shape shape_of(struct kq_slice text)
{
    struct shape shape = {0};
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string)
            note_mark(&shape, c);
    }
    return shape;
}

/* jansson's sentence names what it stumbled on ("near '...'"), which may be a secret: kept is what kind of error. */
static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something follows its end";
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    case json_error_duplicate_key:
        return "a member appears twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds a zero character";
    case json_error_numeric_overflow:
        return "a number is too large";
    default:
        return "the syntax is wrong";
    }
}

kq_status vault_json_parse(struct kq_slice text, json_t **out, char *out_error, size_t out_error_size)
{
    json_error_t error;
    if (text.len == 0 || text.len > TEXT_MAX) {
        snprintf(out_error, out_error_size, text.len == 0 ? "The JSON text is empty." : "The JSON text is too long.");
        return KQ_ERR_FORMAT;
    }
    struct shape shape = shape_of(text);
    if (shape.deepest > VAULT_JSON_DEPTH_MAX) {
        snprintf(out_error, out_error_size, "The JSON text is nested more than %u levels deep.", VAULT_JSON_DEPTH_MAX);
        return KQ_ERR_FORMAT;
    }
    if (shape.num_values > VAULT_JSON_VALUES_MAX) {
        snprintf(out_error, out_error_size, "The JSON text holds more than %u values.", VAULT_JSON_VALUES_MAX);
        return KQ_ERR_FORMAT;
    }
    json_t *value = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value != NULL) {
        *out = value;
        return KQ_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) {
        snprintf(out_error, out_error_size, "No memory for the JSON text.");
        return KQ_ERR_MEMORY;
    }
    snprintf(out_error, out_error_size, "The JSON text cannot be read at line %d, column %d: %s.", error.line,
             error.column, reason_of(&error));
    kq_wipe(&error, sizeof error);
    return KQ_ERR_FORMAT;
}

struct writing {
    struct kq_buffer *out;
    kq_status status;
};

static int write_part(const char *data, size_t len, void *context)
{
    struct writing *writing = context;
    writing->status = kq_buffer_append(writing->out, data, len);
    return writing->status == KQ_OK ? 0 : -1;
}

/* Puts the buffer back to a former length. */
static void cut_back(struct kq_buffer *buffer, size_t len)
{
    if (buffer->len > len)
        kq_wipe(buffer->data + len, buffer->len - len);
    buffer->len = len;
}

kq_status vault_json_write(const json_t *value, struct kq_buffer *out)
{
    struct writing writing = {out, KQ_OK};
    size_t before = out->len;
    if (json_dump_callback(value, write_part, &writing, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return KQ_OK;
    cut_back(out, before);
    return writing.status == KQ_OK ? KQ_ERR_MEMORY : writing.status;
}

/* The member, NULL where it is absent or null. */
static const json_t *member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

bool vault_json_string(const json_t *object, const char *name, const char **out)
{
    const json_t *value = member(object, name);
    if (value != NULL && !json_is_string(value))
        return false;
    if (value != NULL)
        *out = json_string_value(value);
    return true;
}

bool vault_json_bool(const json_t *object, const char *name, bool *out)
{
    const json_t *value = member(object, name);
    if (value != NULL && !json_is_boolean(value))
        return false;
    if (value != NULL)
        *out = json_is_true(value);
    return true;
}

bool vault_json_integer(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = member(object, name);
    if (value != NULL && !json_is_integer(value))
        return false;
    if (value != NULL)
        *out = (int64_t)json_integer_value(value);
    return true;
}

bool vault_json_object(const json_t *object, const char *name, const json_t **out)
{
    const json_t *value = member(object, name);
    if (value != NULL && !json_is_object(value))
        return false;
    if (value != NULL)
        *out = value;
    return true;
}

bool vault_json_array(const json_t *object, const char *name, const json_t **out)
{
    const json_t *value = member(object, name);
    if (value != NULL && !json_is_array(value))
        return false;
    if (value != NULL)
        *out = value;
    return true;
}
