#include "tools/factory/certificates.h"

#include <string.h>

#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"

#define DER_MAX 4096u

static const char pem_end[] = "-----END CERTIFICATE-----";

size_t kq_pem_first_len(struct kq_slice pem)
{
    const uint8_t *end = pem.len == 0 ? NULL : memmem(pem.data, pem.len, pem_end, sizeof pem_end - 1);
    return end == NULL ? pem.len : (size_t)(end - pem.data) + sizeof pem_end - 1;
}

kq_status kq_certificate_facts(struct kq_slice pem, struct kq_certificate_facts *out)
{
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    struct kq_certificate certificate;
    kq_buffer_init(&der, DER_MAX);
    KQ_TRY(kq_pem_decode("CERTIFICATE", kq_slice_of(pem.data, kq_pem_first_len(pem)), &der));
    KQ_TRY(kq_certificate_get(kq_buffer_slice(&der), &certificate));
    memcpy(out->common_name, certificate.common_name, sizeof out->common_name);
    memcpy(out->serial_number, certificate.serial_number, sizeof out->serial_number);
    out->is_rehearsal = certificate.is_rehearsal;
    out->not_after = certificate.not_after;
    kq_sha256(certificate.public_key, out->public_hash);
    return KQ_OK;
}

void kq_certificate_print(const struct kq_certificate_facts *facts, FILE *out)
{
    char hash[KQ_HASH_TEXT_SIZE], until[KQ_TIME_TEXT_SIZE];
    kq_hash_text(kq_slice_of(facts->public_hash, 32), hash);
    kq_time_text(facts->not_after, until);
    fprintf(out, "root:        %s%s\n", facts->common_name,
            facts->is_rehearsal ? " (rehearsal: proves nothing about the operator)" : "");
    fprintf(out, "root hash:   %s\nvalid until: %s\n", hash, until);
}

json_t *kq_certificate_json(const struct kq_certificate_facts *facts)
{
    char hash[65], until[KQ_TIME_TEXT_SIZE];
    kq_hex_encode(kq_slice_of(facts->public_hash, 32), hash);
    kq_time_text(facts->not_after, until);
    json_t *object = json_pack("{s:s, s:s, s:s, s:b}", "name", facts->common_name, "hash", hash, "notAfter", until,
                               "rehearsal", (int)facts->is_rehearsal);
    if (facts->serial_number[0] != '\0')
        json_object_set_new(object, "esn", json_string(facts->serial_number));
    return object;
}
