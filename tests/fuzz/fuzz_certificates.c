/* Certificates, enrolment requests, PEM text and public keys from outside. */
#include "fuzz.h"
#include "pubcrypto/public_key.h"
#include "pubcrypto/x509.h"

static void try_public_key(struct kq_slice in)
{
    KQ_AUTO(kq_public_key) key = NULL;
    if (kq_public_key_new(in, &key) != KQ_OK)
        return;
    uint8_t hash[20];
    KQ_AUTO_VALUE(kq_buffer) out = {0};
    kq_buffer_init(&out, 4096);
    FUZZ_CHECK(kq_public_key_bits(key) >= 160);
    kq_ignore(kq_public_key_ncore_hash(key, hash), "not every key has one");
    kq_ignore(kq_public_key_verify_statement(key, in, in), "cannot verify");
    kq_ignore(kq_public_key_oaep(key, KQ_MECH_RSA_OAEP_SHA256, KQ_SLICE_EMPTY, kq_slice_text("k"), &out),
              "not every key can");
}

static void try_pem(const char *type, struct kq_slice in)
{
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    kq_buffer_init(&der, 65536);
    kq_ignore(kq_pem_decode(type, in, &der), "any outcome is fine");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kq_slice in = kq_slice_of(data, size);
    struct kq_certificate certificate;
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice public_key;
    if (kq_certificate_get(in, &certificate) == KQ_OK) {
        FUZZ_CHECK(certificate.body.len < size);
        try_public_key(certificate.public_key);
    }
    kq_ignore(kq_enrolment_get(in, esn, &public_key), "any outcome is fine");
    try_public_key(in);
    try_pem("CERTIFICATE", in);
    try_pem("PUBLIC KEY", in);
    return 0;
}
