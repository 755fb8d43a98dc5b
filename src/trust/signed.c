#include "pubcrypto/public_key.h"
#include "trust/chain.h"

kq_status kq_signed_verify(struct kq_slice encoded, struct kq_slice public_key, struct kq_slice *out_body)
{
    struct kq_signed statement;
    KQ_TRY(kq_signed_get(encoded, &statement, NULL));
    KQ_AUTO(kq_public_key) key = NULL;
    kq_status status = kq_public_key_new(public_key, &key);
    if (status != KQ_OK)
        return status == KQ_ERR_MEMORY ? status : KQ_ERR_FORMAT;
    status = kq_public_key_verify_statement(key, statement.body, statement.signature);
    if (status != KQ_OK)
        return status == KQ_ERR_MEMORY ? status : KQ_ERR_SIGNATURE;
    *out_body = statement.body;
    return KQ_OK;
}
