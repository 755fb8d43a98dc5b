#include "base/size.h"
#include "module/keys/create.h"
#include "module/world/suites.h"

/* Applications that key files of other origin have: the copies of -ModifyAcls,
 * and the same name as the documents misprint it, capital I lowered. */
static const char *const reserved_applications[] = {"xferacld", "xferacid"};

static bool is_name(struct kq_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!is_allowed)
            return false;
    }
    return text.len > 0;
}

kq_status hsm_check_key_name(struct hsm_call *call, struct kq_slice application, struct kq_slice ident)
{
    if (!is_name(application))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "application: only digits, lower-case letters and hyphens");
    if (!is_name(ident))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "ident: only digits, lower-case letters and hyphens");
    if (application.len + ident.len > KQ_IDENT_MAX)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "Application and identifiers cannot exceed %u characters.",
                             KQ_IDENT_MAX);
    for (size_t i = 0; i < KQ_COUNT_OF(reserved_applications); i++) {
        if (kq_slice_is_text(application, reserved_applications[i]))
            return hsm_call_fail(call, KQ_ERR_ARGUMENT,
                                 "application: %s is reserved for copies made for a transfer; choose another",
                                 reserved_applications[i]);
    }
    return KQ_OK;
}

static bool is_offered(uint64_t type, uint64_t bits)
{
    switch (type) {
    case KQ_KEY_RSA:
        return bits == 2048 || bits == 3072 || bits == 4096;
    case KQ_KEY_EC_P256:
    case KQ_KEY_EC_SECP256K1:
        return bits == 256;
    case KQ_KEY_EC_P384:
        return bits == 384;
    case KQ_KEY_EC_P521:
        return bits == 521;
    case KQ_KEY_AES:
        return bits == 128 || bits == 192 || bits == 256;
    default:
        return false;
    }
}

kq_status hsm_check_key_type(struct hsm_call *call, uint64_t type, uint64_t bits)
{
    if (!is_offered(type, bits))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT,
                             "size: RSA has 2048, 3072 or 4096 bits, AES 128, 192 or 256, a curve its own size");
    const char *suite = call->state->world.suite;
    if (!hsm_suite_allows_key(suite, (enum kq_key_type)type, bits))
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "type: keys of this type are not allowed in a world of suite %s",
                             suite);
    return KQ_OK;
}

kq_status hsm_check_exponent(struct hsm_call *call, uint64_t type, uint64_t exponent)
{
    if (exponent == 0)
        return KQ_OK;
    if (type != KQ_KEY_RSA)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "pubexp: only an RSA key has a public exponent");
    if (exponent < 65537 || (exponent & 1) == 0)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "pubexp: an odd number of at least 65537");
    return KQ_OK;
}
