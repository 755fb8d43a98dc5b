#include "base/wipe.h"
#include "module/privcrypto/ec.h"
#include "module/privcrypto/key_body.h"

static bool derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t agreed[HSM_EC_LEN_MAX], size_t expected_len)
{
    HSM_AUTO(EVP_PKEY_CTX) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t len = HSM_EC_LEN_MAX;
    return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
           EVP_PKEY_derive(ctx, agreed, &len) == 1 && len == expected_len;
}

kq_status hsm_key_agree(const struct hsm_key *key, struct kq_slice peer_public, struct kq_buffer *out)
{
    const struct hsm_curve *curve = hsm_curve_of_type(key->type);
    HSM_AUTO(EVP_PKEY) peer = NULL;
    if ((key->type != KQ_KEY_EC_P384 && key->type != KQ_KEY_EC_P521) ||
        hsm_ec_public_get(peer_public, curve, &peer) != KQ_OK)
        return KQ_ERR_ARGUMENT;
    uint8_t agreed[HSM_EC_LEN_MAX];
    kq_status status = KQ_ERR_ARGUMENT;
    if (derive(key->pkey, peer, agreed, curve->len))
        status = kq_buffer_append(out, agreed, curve->len);
    kq_wipe(agreed, sizeof agreed);
    return status == KQ_OK ? KQ_OK : hsm_failed(status);
}
