#include "harness/cavp.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/der.h"

#define PATH_SIZE 4096
#define DEBIAN_FOLDER "/usr/lib/python3/dist-packages/cryptography_vectors"
#define VALUE_MAX (1024 * 1024)
#define MAX_HEADINGS 32
#define MAX_FIELDS 32

struct field {
    const char *name;
    const char *value;
};

/* Names, values and headings point into text. */
struct cavp {
    char path[2 * PATH_SIZE];
    char *text; /* owned; lines are cut out of it in place */
    char *at;
    size_t left; /* from there; what is not cut yet is never read as a string, which sanitizers measure to its end */
    size_t line;
    const char *headings[MAX_HEADINGS];
    size_t num_headings;
    bool was_heading; /* the last line that was not empty */
    struct field fields[MAX_FIELDS];
    size_t num_fields;
    bool failed;
};

/* ---- the file ------------------------------------------------------------- */

static char *read_text(const char *path, FILE *stream, size_t *out_len)
{
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    long size = ftell(stream);
    assert_true(size > 0);
    rewind(stream);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    if (fread(text, 1, (size_t)size, stream) != (size_t)size)
        fail_msg("cannot read %s", path);
    text[size] = '\0';
    *out_len = (size_t)size;
    return text;
}

struct cavp *cavp_open(const char *name)
{
    const char *given = getenv("KEYQUAY_CAVP");
    const char *folder = given != NULL && given[0] != '\0' ? given : DEBIAN_FOLDER;
    struct cavp *file = calloc(1, sizeof *file);
    assert_non_null(file);
    snprintf(file->path, sizeof file->path, "%s/%s", folder, name);
    FILE *stream = fopen(file->path, "rb");
    if (stream == NULL) {
        print_message("# no vectors at %s (Debian's python3-cryptography-vectors, or set KEYQUAY_CAVP)\n", file->path);
        free(file);
        skip();
        return NULL;
    }
    file->text = file->at = read_text(file->path, stream, &file->left);
    fclose(stream);
    return file;
}

void cavp_close(struct cavp *file)
{
    free(file->text);
    free(file);
}

/* ---- lines ---------------------------------------------------------------- */

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static char *next_line(struct cavp *file)
{
    if (file->left == 0)
        return NULL;
    char *line = file->at;
    char *end = memchr(line, '\n', file->left);
    size_t len = end == NULL ? file->left : (size_t)(end - line) + 1;
    if (end != NULL)
        *end = '\0';
    file->at += len;
    file->left -= len;
    file->line++;
    return trim(line);
}

/* Headings with nothing but empty lines between them stand together. */
static void take_heading(struct cavp *file, char *line)
{
    if (!file->was_heading)
        file->num_headings = file->num_fields = 0;
    assert_true(file->num_headings < MAX_HEADINGS);
    char *end = strrchr(line, ']');
    if (end == NULL)
        fail_msg("%s:%zu: heading without an end", file->path, file->line);
    else
        *end = '\0';
    file->headings[file->num_headings++] = trim(line + 1);
}

static const struct field *find(const struct cavp *file, const char *name)
{
    for (size_t i = 0; i < file->num_fields; i++) {
        if (strcmp(file->fields[i].name, name) == 0)
            return &file->fields[i];
    }
    return NULL;
}

static void put(struct cavp *file, const struct field *field)
{
    const struct field *old = find(file, field->name);
    size_t i = old == NULL ? file->num_fields++ : (size_t)(old - file->fields);
    assert_true(i < MAX_FIELDS);
    file->fields[i] = *field;
}

/* Takes "name = value" in; returns the name. Other lines are noise, which a file or two have. */
static const char *take_field(struct cavp *file, char *line)
{
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return "";
    *equals = '\0';
    const struct field field = {.name = trim(line), .value = trim(equals + 1)};
    put(file, &field);
    return field.name;
}

bool cavp_next(struct cavp *file, const char *last)
{
    char *line;
    while ((line = next_line(file)) != NULL) {
        if (line[0] == '\0' || line[0] == '#')
            continue;
        bool is_heading = line[0] == '[';
        file->failed = strcmp(line, "FAIL") == 0;
        if (is_heading)
            take_heading(file, line);
        file->was_heading = is_heading;
        if (file->failed || (!is_heading && strcmp(take_field(file, line), last) == 0))
            return true;
    }
    return false;
}

/* ---- what a case says ----------------------------------------------------- */

bool cavp_is_under(const struct cavp *file, const char *heading)
{
    for (size_t i = 0; i < file->num_headings; i++) {
        if (strcmp(file->headings[i], heading) == 0)
            return true;
    }
    return false;
}

bool cavp_has(const struct cavp *file, const char *field)
{
    return find(file, field) != NULL;
}

bool cavp_failed(const struct cavp *file)
{
    return file->failed;
}

size_t cavp_line(const struct cavp *file)
{
    return file->line;
}

const char *cavp_text(const struct cavp *file, const char *field)
{
    const struct field *found = find(file, field);
    if (found == NULL)
        fail_msg("%s:%zu: no \"%s\"", file->path, file->line, field);
    return found == NULL ? "" : found->value;
}

static void decode(const struct cavp *file, const char *field, const char *digits, struct kq_buffer *out)
{
    struct kq_slice text = kq_slice_text(digits);
    kq_buffer_init(out, VALUE_MAX);
    if (text.len == 0)
        return;
    uint8_t *room = NULL;
    if (kq_buffer_reserve(out, text.len / 2, &room) != KQ_OK || !kq_hex_decode(text, room, text.len / 2))
        fail_msg("%s:%zu: \"%s\" is no hex", file->path, file->line, field);
    out->len = text.len / 2;
}

void cavp_hex(const struct cavp *file, const char *field, struct kq_buffer *out)
{
    decode(file, field, cavp_text(file, field), out);
}

void cavp_number(const struct cavp *file, const char *field, struct kq_buffer *out)
{
    char digits[8192];
    const char *value = cavp_text(file, field);
    value += strspn(value, "0");
    int len = snprintf(digits, sizeof digits, "%s%s", strlen(value) % 2 == 0 ? "" : "0", value);
    assert_true(len >= 0 && (size_t)len < sizeof digits);
    decode(file, field, digits, out);
}

bool cavp_append_number(const struct cavp *file, const char *field, size_t len, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(kq_buffer) number = {0};
    uint8_t *room = NULL;
    cavp_number(file, field, &number);
    if (number.len > len)
        return false;
    assert_int_equal(kq_buffer_reserve(out, len, &room), KQ_OK);
    memset(room, 0, len - number.len);
    if (number.len > 0)
        memcpy(room + len - number.len, number.data, number.len);
    out->len += len;
    return true;
}

static const struct {
    enum kq_key_type type;
    size_t len;
    uint8_t oid[8];
    size_t oid_len;
} curves[] = {
    {KQ_KEY_EC_P256, 32, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 8},
    {KQ_KEY_EC_P384, 48, {0x2b, 0x81, 0x04, 0x00, 0x22}, 5},
    {KQ_KEY_EC_P521, 66, {0x2b, 0x81, 0x04, 0x00, 0x23}, 5},
    {KQ_KEY_EC_SECP256K1, 32, {0x2b, 0x81, 0x04, 0x00, 0x0a}, 5},
};

static void put_point(const struct cavp *file, const char *x, const char *y, size_t len, struct kq_der_writer *writer)
{
    static const uint8_t uncompressed[] = {4};
    KQ_AUTO_VALUE(kq_buffer) point = {0};
    kq_buffer_init(&point, 512);
    assert_int_equal(kq_buffer_append(&point, uncompressed, 1), KQ_OK);
    if (cavp_append_number(file, x, len, &point) && cavp_append_number(file, y, len, &point))
        kq_der_put_bit_string(writer, kq_buffer_slice(&point));
    else
        put_point(file, x, y, len + 1, writer);
}

void cavp_curve_key(const struct cavp *file, enum kq_key_type curve, const char *x, const char *y,
                    struct kq_buffer *out)
{
    static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    size_t i = 0;
    while (curves[i].type != curve)
        assert_true(++i < KQ_COUNT_OF(curves));
    KQ_AUTO_VALUE(kq_der_writer) writer = {0};
    kq_der_writer_init(&writer, 1024);
    size_t info = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    size_t algorithm = kq_der_begin(&writer, KQ_DER_SEQUENCE);
    kq_der_put(&writer, KQ_DER_OID, kq_slice_of(oid_ec, sizeof oid_ec));
    kq_der_put(&writer, KQ_DER_OID, kq_slice_of(curves[i].oid, curves[i].oid_len));
    kq_der_end(&writer, algorithm);
    put_point(file, x, y, curves[i].len, &writer);
    kq_der_end(&writer, info);
    kq_buffer_init(out, 1024);
    assert_int_equal(kq_der_writer_finish(&writer, out), KQ_OK);
}

/* ---- signatures ----------------------------------------------------------- */

const struct cavp_rsa_scheme *cavp_rsa_scheme(const struct cavp *file)
{
    static const struct cavp_rsa_scheme rows[] = {
        {"SHA256", KQ_HASH_SHA256, KQ_MECH_RSA_PKCS1_SHA256, KQ_MECH_RSA_PSS_SHA256},
        {"SHA384", KQ_HASH_SHA384, KQ_MECH_RSA_PKCS1_SHA384, KQ_MECH_RSA_PSS_SHA384},
        {"SHA512", KQ_HASH_SHA512, KQ_MECH_RSA_PKCS1_SHA512, KQ_MECH_RSA_PSS_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        if (strcmp(cavp_text(file, "SHAAlg"), rows[i].name) == 0)
            return &rows[i];
    }
    return NULL;
}

const struct cavp_curve_scheme *cavp_curve_scheme(const struct cavp *file)
{
    static const struct cavp_curve_scheme rows[] = {
        {"P-256,SHA-256", KQ_KEY_EC_P256, KQ_HASH_SHA256},      {"P-256,SHA-384", KQ_KEY_EC_P256, KQ_HASH_SHA384},
        {"P-256,SHA-512", KQ_KEY_EC_P256, KQ_HASH_SHA512},      {"P-384,SHA-256", KQ_KEY_EC_P384, KQ_HASH_SHA256},
        {"P-384,SHA-384", KQ_KEY_EC_P384, KQ_HASH_SHA384},      {"P-384,SHA-512", KQ_KEY_EC_P384, KQ_HASH_SHA512},
        {"P-521,SHA-256", KQ_KEY_EC_P521, KQ_HASH_SHA256},      {"P-521,SHA-384", KQ_KEY_EC_P521, KQ_HASH_SHA384},
        {"P-521,SHA-512", KQ_KEY_EC_P521, KQ_HASH_SHA512},      {"K-256,SHA-256", KQ_KEY_EC_SECP256K1, KQ_HASH_SHA256},
        {"K-256,SHA-384", KQ_KEY_EC_SECP256K1, KQ_HASH_SHA384}, {"K-256,SHA-512", KQ_KEY_EC_SECP256K1, KQ_HASH_SHA512},
    };
    for (size_t i = 0; i < KQ_COUNT_OF(rows); i++) {
        if (cavp_is_under(file, rows[i].heading))
            return &rows[i];
    }
    return NULL;
}

size_t cavp_digest(const struct cavp *file, enum kq_hash hash, uint8_t digest[KQ_HASH_MAX_LEN])
{
    KQ_AUTO_VALUE(kq_buffer) message = {0};
    cavp_hex(file, "Msg", &message);
    struct kq_slice whole = kq_buffer_slice(&message);
    return kq_hash_parts(hash, &whole, 1, digest);
}

/* ---- many cases ----------------------------------------------------------- */

void cavp_judge(const struct cavp *file, bool is_good, struct cavp_counts *counts)
{
    const char *result = cavp_has(file, "Result") ? cavp_text(file, "Result") : "P";
    if (result[0] != 'P' && result[0] != 'F')
        fail_msg("%s:%zu: Result = %s", file->path, file->line, result);
    if (is_good != (result[0] == 'P'))
        fail_msg("%s:%zu: %s here, Result = %s", file->path, file->line, is_good ? "good" : "bad", result);
    counts->good += is_good ? 1 : 0;
    counts->bad += is_good ? 0 : 1;
}

void cavp_run(const struct cavp_file *rows, size_t num_rows)
{
    for (size_t i = 0; i < num_rows; i++) {
        struct cavp_counts counts = {.good = 0};
        struct cavp *file = cavp_open(rows[i].name);
        while (cavp_next(file, rows[i].last))
            rows[i].check(file, &counts);
        cavp_close(file);
        print_message("# %s: %zu good, %zu bad\n", rows[i].name, counts.good, counts.bad);
        assert_true(counts.good >= rows[i].least.good && counts.bad >= rows[i].least.bad);
    }
}
