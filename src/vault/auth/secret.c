#include "vault/auth/secret.h"

#include "base/ct.h"
#include "base/random.h"
#include "base/text.h"
#include "base/wipe.h"
#include "pubcrypto/passphrase.h"

#define SECRET_BYTES 30u /* 40 characters of six bits */

static kq_status generate_once(char out[41])
{
    uint8_t bytes[SECRET_BYTES];
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, 40);
    KQ_TRY(kq_random(bytes, sizeof bytes));
    kq_status status = kq_base64url_encode(kq_slice_of(bytes, sizeof bytes), &text);
    kq_wipe(bytes, sizeof bytes);
    KQ_TRY(status);
    memcpy(out, text.data, 40);
    out[40] = '\0';
    return KQ_OK;
}

/* A secret stands on command lines: it does not begin like an option. */
kq_status vault_secret_generate(char out[41])
{
    char secret[41];
    do
        KQ_TRY(generate_once(secret));
    while (secret[0] == '-' || secret[0] == '_');
    memcpy(out, secret, sizeof secret);
    kq_wipe(secret, sizeof secret);
    return KQ_OK;
}

kq_status vault_secret_hash(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n, uint8_t out[32])
{
    return kq_passphrase_key(secret, kq_slice_of(salt, 32), log2_n, 8, 1, out);
}

kq_status vault_secret_check(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n, const uint8_t hash[32])
{
    uint8_t got[32];
    KQ_TRY(vault_secret_hash(secret, salt, log2_n, got));
    bool same = kq_ct_bytes_are_equal(got, hash, sizeof got);
    kq_wipe(got, sizeof got);
    return same ? KQ_OK : KQ_ERR_AUTH;
}
