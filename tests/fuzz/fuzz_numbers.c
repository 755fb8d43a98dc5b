/* The numbers of a JSON Web Key from a stored public key. */
#include "fuzz.h"
#include "pubcrypto/public_key.h"
#include "vault/keyops/keyops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    KQ_AUTO_VALUE(vault_public_numbers) numbers = {0};
    KQ_AUTO(kq_public_key) key = NULL;
    bool is_split = vault_public_numbers_get(in, &numbers) == KQ_OK;
    if (kq_public_key_new(in, &key) != KQ_OK || kq_public_key_type(key) == KQ_KEY_DSA)
        return 0;
    size_t len = (size_t)(kq_public_key_bits(key) + 7) / 8;
    FUZZ_CHECK(is_split);
    FUZZ_CHECK(numbers.first.len == len);
    FUZZ_CHECK(kq_public_key_type(key) == KQ_KEY_RSA || numbers.second.len == len);
    return 0;
}
