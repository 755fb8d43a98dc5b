#include "module/world/suites.h"

#include "base/size.h"

static const struct hsm_suite suites[] = {
    {"DLf1024s160mRijndael", KQ_KEY_DSA, 1024, KQ_KEY_RSA, 3072, HSM_SUITE_WEAK},
    {"DLf3072s256mRijndael", KQ_KEY_DSA, 3072, KQ_KEY_RSA, 3072, 0},
    {"DLf3072s256mAEScSP800131Ar1", KQ_KEY_DSA, 3072, KQ_KEY_RSA, 3072, HSM_SUITE_APPROVED_ONLY},
    {"ECp521mAES", KQ_KEY_EC_P521, 521, KQ_KEY_EC_P521, 521, 0},
};

const struct hsm_suite *hsm_suite_find(struct kq_slice name)
{
    for (size_t i = 0; i < KQ_COUNT_OF(suites); i++) {
        if (kq_slice_is_text(name, suites[i].name))
            return &suites[i];
    }
    return NULL;
}

kq_status hsm_suite_make_knso(const struct hsm_suite *suite, struct hsm_key **out)
{
    if (suite->knso_type == KQ_KEY_DSA)
        return hsm_key_generate_dsa(suite->knso_bits, out);
    return hsm_key_generate(suite->knso_type, suite->knso_bits, 0, out);
}

kq_status hsm_suite_make_recovery(const struct hsm_suite *suite, struct hsm_key **out)
{
    return hsm_key_generate(suite->recovery_type, suite->recovery_bits, 0, out);
}

bool hsm_suite_allows_key(const char *suite, enum kq_key_type type, uint64_t bits)
{
    const struct hsm_suite *found = hsm_suite_find(kq_slice_text(suite));
    if (found == NULL)
        return false;
    if ((found->flags & HSM_SUITE_APPROVED_ONLY) == 0)
        return true;
    bool is_short_rsa = type == KQ_KEY_RSA && bits < 2048;
    return type != KQ_KEY_EC_SECP256K1 && type != KQ_KEY_DSA && !is_short_rsa;
}
