#include "pubcrypto/passphrase.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/wipe.h"

#define SPARE_BYTES (1024u * 1024)

kq_status kq_passphrase_key(struct kq_slice passphrase, struct kq_slice salt, uint64_t log2_n, uint64_t r, uint64_t p,
                            uint8_t out[32])
{
    if (log2_n < 10 || log2_n > 20 || r != 8 || p < 1 || p > 4)
        return KQ_ERR_ARGUMENT;
    uint64_t n = (uint64_t)1 << log2_n;
    uint8_t key[32];
    const char *text = passphrase.len == 0 ? "" : (const char *)passphrase.data;
    int done = EVP_PBE_scrypt(text, passphrase.len, salt.data, salt.len, n, r, p, 128 * r * (n + p + 2) + SPARE_BYTES,
                              key, sizeof key);
    ERR_clear_error();
    if (done == 1)
        memcpy(out, key, sizeof key);
    kq_wipe(key, sizeof key);
    return done == 1 ? KQ_OK : KQ_ERR_MEMORY;
}
