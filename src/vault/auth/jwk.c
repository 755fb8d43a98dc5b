#include "vault/auth/jwk.h"

#include <jose/jwk.h>

#include "base/text.h"
#include "pubcrypto/der.h"
#include "pubcrypto/public_key.h"
#include "vault/json/json.h"

#define NUMBER_TEXT_MAX 4096u /* base64url of the largest modulus we accept, and room */

static json_t *number_text(struct kq_slice magnitude)
{
    KQ_AUTO_VALUE(kq_buffer) text = {0};
    kq_buffer_init(&text, NUMBER_TEXT_MAX);
    if (kq_base64url_encode(magnitude, &text) != KQ_OK)
        return NULL;
    return json_stringn((const char *)text.data, text.len);
}

/* n and e of an RSA key that kq_public_key_new() has accepted. */
static kq_status read_numbers(struct kq_slice spki, struct kq_slice *out_n, struct kq_slice *out_e)
{
    struct kq_der_reader reader;
    kq_der_reader_init(&reader, spki);
    struct kq_der_reader info = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    kq_der_get(&info, KQ_DER_SEQUENCE);
    struct kq_slice bits = kq_der_get_bit_string(&info);
    KQ_TRY(kq_der_finish(&info));
    kq_der_reader_init(&reader, bits);
    struct kq_der_reader pair = kq_der_enter(&reader, KQ_DER_SEQUENCE);
    *out_n = kq_der_get_positive(&pair);
    *out_e = kq_der_get_positive(&pair);
    return kq_der_finish(&pair);
}

kq_status vault_jwk_from_spki(struct kq_slice spki, const char *alg, json_t **out)
{
    KQ_AUTO(kq_public_key) key = NULL;
    struct kq_slice n;
    struct kq_slice e;
    kq_status status = kq_public_key_new(spki, &key);
    if (status == KQ_ERR_MEMORY)
        return status;
    if (status != KQ_OK || kq_public_key_type(key) != KQ_KEY_RSA || kq_public_key_bits(key) < VAULT_TOKEN_RSA_MIN_BITS)
        return KQ_ERR_ARGUMENT;
    KQ_TRY(read_numbers(spki, &n, &e));
    json_t *jwk = json_pack("{s:s,s:s,s:s,s:o,s:o}", "kty", "RSA", "use", "sig", "alg", alg, "n", number_text(n), "e",
                            number_text(e));
    json_t *kid = jwk == NULL ? NULL : jose_jwk_thp(NULL, jwk, "S256");
    if (kid == NULL || json_object_set_new(jwk, "kid", kid) != 0) {
        vault_json_free(jwk);
        return KQ_ERR_MEMORY;
    }
    *out = jwk;
    return KQ_OK;
}
