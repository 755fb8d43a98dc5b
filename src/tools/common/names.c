#include "tools/common/names.h"

#include <strings.h>

#include "base/size.h"

const char *kq_name_world_kind(uint64_t kind)
{
    static const char *const names[] = {"none", "owner", "region", "factory"};
    return kind < KQ_COUNT_OF(names) ? names[kind] : "unknown";
}

const char *kq_name_origin(uint64_t origin)
{
    static const char *const names[] = {"unknown", "generated in a module", "imported in the clear",
                                        "transferred, attested", "transferred, self-asserted"};
    return origin < KQ_COUNT_OF(names) ? names[origin] : "unknown";
}

const char *kq_name_profile(uint64_t profile)
{
    static const char *const names[] = {"unknown", "keyquay-transfer", "azure-byok"};
    return profile < KQ_COUNT_OF(names) ? names[profile] : "unknown";
}

const char *kq_name_audit_class(uint64_t audit_class)
{
    static const char *const names[] = {"unknown", "admin", "export", "use", "system"};
    return audit_class < KQ_COUNT_OF(names) ? names[audit_class] : "unknown";
}

/* ---- keys -------------------------------------------------------------------- */

static const struct {
    enum kq_key_type type;
    uint64_t bits;
    const char *text;
    const char *other_names[3];
} curves[] = {
    {KQ_KEY_EC_P256, 256, "EC P-256", {"P-256", "P256", "NISTP256"}},
    {KQ_KEY_EC_P384, 384, "EC P-384", {"P-384", "P384", "NISTP384"}},
    {KQ_KEY_EC_P521, 521, "EC P-521", {"P-521", "P521", "NISTP521"}},
    {KQ_KEY_EC_SECP256K1, 256, "EC secp256k1", {"SECP256K1", "P256K", "P-256K"}},
};

void kq_name_key(uint64_t key_type, uint64_t bits, char out[KQ_KEY_TYPE_TEXT_SIZE])
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        if (curves[i].type == key_type) {
            snprintf(out, KQ_KEY_TYPE_TEXT_SIZE, "%s", curves[i].text);
            return;
        }
    }
    const char *family = key_type == KQ_KEY_RSA ? "RSA" : key_type == KQ_KEY_AES ? "AES" : "DSA";
    snprintf(out, KQ_KEY_TYPE_TEXT_SIZE, "%s %llu", family, (unsigned long long)bits);
}

static bool find_curve(const char *name, uint64_t *out_key_type, uint64_t *out_bits)
{
    for (size_t i = 0; i < KQ_COUNT_OF(curves); i++) {
        for (size_t j = 0; j < KQ_COUNT_OF(curves[i].other_names); j++) {
            if (strcasecmp(curves[i].other_names[j], name) == 0) {
                *out_key_type = curves[i].type;
                *out_bits = curves[i].bits;
                return true;
            }
        }
    }
    return false;
}

static bool parse_bits(const char *size, const uint64_t *allowed, size_t num_allowed, uint64_t *out_bits)
{
    uint64_t bits;
    if (!kq_uint_parse(kq_slice_text(size), 16384, &bits))
        return false;
    for (size_t i = 0; i < num_allowed; i++) {
        if (allowed[i] == bits) {
            *out_bits = bits;
            return true;
        }
    }
    return false;
}

static bool parse_curve(const char *size, uint64_t *out_key_type, uint64_t *out_bits)
{
    if (strcmp(size, "256") == 0)
        return find_curve("P-256", out_key_type, out_bits);
    if (strcmp(size, "384") == 0)
        return find_curve("P-384", out_key_type, out_bits);
    if (strcmp(size, "521") == 0)
        return find_curve("P-521", out_key_type, out_bits);
    return find_curve(size, out_key_type, out_bits);
}

bool kq_name_parse_key(const char *type, const char *size, uint64_t *out_key_type, uint64_t *out_bits)
{
    static const uint64_t rsa_bits[] = {2048, 3072, 4096};
    static const uint64_t aes_bits[] = {128, 192, 256};
    bool no_size = size == NULL || size[0] == '\0';
    if (strcasecmp(type, "RSA") == 0) {
        *out_key_type = KQ_KEY_RSA;
        return parse_bits(no_size ? "2048" : size, rsa_bits, KQ_COUNT_OF(rsa_bits), out_bits);
    }
    if (strcasecmp(type, "AES") == 0 || strcasecmp(type, "Rijndael") == 0) {
        *out_key_type = KQ_KEY_AES;
        return parse_bits(no_size ? "256" : size, aes_bits, KQ_COUNT_OF(aes_bits), out_bits);
    }
    if (strcasecmp(type, "EC") == 0 || strcasecmp(type, "ECDSA") == 0)
        return parse_curve(no_size ? "P-256" : size, out_key_type, out_bits);
    return find_curve(type, out_key_type, out_bits) && (no_size || parse_curve(size, out_key_type, out_bits));
}

/* ---- mechanisms ---------------------------------------------------------------- */

static const struct kq_mechanism_name mechanisms[] = {
    {"rs256", KQ_MECH_RSA_PKCS1_SHA256, 256},
    {"rs384", KQ_MECH_RSA_PKCS1_SHA384, 384},
    {"rs512", KQ_MECH_RSA_PKCS1_SHA512, 512},
    {"ps256", KQ_MECH_RSA_PSS_SHA256, 256},
    {"ps384", KQ_MECH_RSA_PSS_SHA384, 384},
    {"ps512", KQ_MECH_RSA_PSS_SHA512, 512},
    {"es256", KQ_MECH_ECDSA, 256},
    {"es256k", KQ_MECH_ECDSA, 256},
    {"es384", KQ_MECH_ECDSA, 384},
    {"es512", KQ_MECH_ECDSA, 512},
    {"rsa-oaep", KQ_MECH_RSA_OAEP_SHA1, 0},
    {"rsa-oaep-256", KQ_MECH_RSA_OAEP_SHA256, 0},
    {"aes-gcm", KQ_MECH_AES_GCM, 0},
};
const char kq_mechanism_names[] =
    "rs256, rs384, rs512, ps256, ps384, ps512, es256, es256k, es384, es512, rsa-oaep, rsa-oaep-256, aes-gcm";

const struct kq_mechanism_name *kq_name_mechanism(const char *name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(mechanisms); i++) {
        if (strcasecmp(mechanisms[i].name, name) == 0)
            return &mechanisms[i];
    }
    return NULL;
}
