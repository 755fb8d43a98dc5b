#include "pubcrypto/hash.h"

#include <openssl/evp.h>

static const EVP_MD *algorithm_of(enum kq_hash hash)
{
    switch (hash) {
    case KQ_HASH_SHA1:
        return EVP_sha1();
    case KQ_HASH_SHA256:
        return EVP_sha256();
    case KQ_HASH_SHA384:
        return EVP_sha384();
    case KQ_HASH_SHA512:
        return EVP_sha512();
    }
    KQ_BUG("unknown hash");
}

size_t kq_hash_len(enum kq_hash hash)
{
    static const size_t lens[] = {
        [KQ_HASH_SHA1] = 20, [KQ_HASH_SHA256] = 32, [KQ_HASH_SHA384] = 48, [KQ_HASH_SHA512] = 64};
    return lens[hash];
}

size_t kq_hash_parts(enum kq_hash hash, const struct kq_slice *parts, size_t num_parts, uint8_t out[KQ_HASH_MAX_LEN])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned len = 0;
    bool good = ctx != NULL && EVP_DigestInit_ex(ctx, algorithm_of(hash), NULL) == 1;
    for (size_t i = 0; good && i < num_parts; i++)
        good = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    good = good && EVP_DigestFinal_ex(ctx, out, &len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good || len != kq_hash_len(hash))
        KQ_BUG("the cryptographic library cannot hash");
    return len;
}

void kq_sha256_parts(const struct kq_slice *parts, size_t num_parts, uint8_t out[32])
{
    uint8_t digest[KQ_HASH_MAX_LEN];
    kq_hash_parts(KQ_HASH_SHA256, parts, num_parts, digest);
    memcpy(out, digest, 32);
}

void kq_sha256(struct kq_slice in, uint8_t out[32])
{
    kq_sha256_parts(&in, 1, out);
}

bool kq_sha256_is(struct kq_slice hash, struct kq_slice bytes)
{
    uint8_t digest[32];
    kq_sha256(bytes, digest);
    return kq_slice_is_equal(hash, kq_slice_of(digest, sizeof digest));
}
