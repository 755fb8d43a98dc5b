#include "module/seal/recovery.h"

#include "base/wipe.h"
#include "module/privcrypto/seal.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"

#define RECOVERY_LABEL "keyquay/recovery-blob"
#define SECRET_MAX (66u + 32u) /* x coordinate on P-521, KM */
#define ENCAPSULATED_MAX 1024u

/* A secret that only the recovery key brings back, and the bytes it does it
 * from. KM follows it, because anybody can encapsulate to a public key: only
 * the world itself can seal a key that this world takes for its own. */
struct encapsulation {
    struct kq_buffer secret;
    struct kq_buffer encapsulated;
};

static void encapsulation_clear(struct encapsulation *encapsulation)
{
    kq_buffer_clear(&encapsulation->secret);
    kq_buffer_clear(&encapsulation->encapsulated);
}
KQ_AUTO_DEFINE_VALUE(encapsulation);

static kq_status encapsulate_rsa(const struct kq_public_key *recovery, struct encapsulation *out)
{
    uint8_t secret[32];
    hsm_random(secret, sizeof secret);
    kq_status status = kq_buffer_append(&out->secret, secret, sizeof secret);
    kq_wipe(secret, sizeof secret);
    KQ_TRY(status);
    return kq_public_key_oaep(recovery, KQ_MECH_RSA_OAEP_SHA256, kq_slice_text(RECOVERY_LABEL),
                              kq_buffer_slice(&out->secret), &out->encapsulated);
}

static kq_status encapsulate_ec(struct kq_slice recovery_public, struct encapsulation *out)
{
    KQ_AUTO(hsm_key) ephemeral = NULL;
    KQ_TRY(hsm_key_generate(KQ_KEY_EC_P521, 0, 0, &ephemeral));
    KQ_TRY(hsm_key_agree(ephemeral, recovery_public, &out->secret));
    struct kq_slice public_key = hsm_key_public(ephemeral);
    return kq_buffer_append(&out->encapsulated, public_key.data, public_key.len);
}

static kq_status encapsulate(struct kq_slice recovery_public, struct kq_slice km, struct encapsulation *out)
{
    KQ_AUTO(kq_public_key) recovery = NULL;
    KQ_TRY(kq_public_key_new(recovery_public, &recovery));
    kq_buffer_init(&out->secret, SECRET_MAX);
    kq_buffer_init(&out->encapsulated, ENCAPSULATED_MAX);
    KQ_TRY(kq_public_key_type(recovery) == KQ_KEY_RSA ? encapsulate_rsa(recovery, out)
                                                      : encapsulate_ec(recovery_public, out));
    return kq_buffer_append(&out->secret, km.data, km.len);
}

static kq_status decapsulate(const struct hsm_key *recovery_key, struct kq_slice km, struct kq_slice encapsulated,
                             struct encapsulation *out)
{
    kq_buffer_init(&out->secret, ENCAPSULATED_MAX);
    KQ_TRY(hsm_key_type(recovery_key) == KQ_KEY_RSA
               ? hsm_key_oaep_open(recovery_key, KQ_MECH_RSA_OAEP_SHA256, kq_slice_text(RECOVERY_LABEL), encapsulated,
                                   &out->secret)
               : hsm_key_agree(recovery_key, encapsulated, &out->secret));
    return kq_buffer_append(&out->secret, km.data, km.len);
}

/* The blob's record with sealed empty: what the seal vouches for. */
static kq_status encode_open_part(struct kq_recovery_blob blob, struct kq_buffer *out)
{
    blob.sealed = KQ_SLICE_EMPTY;
    kq_buffer_init(out, kq_recovery_blob_type.max_len);
    return hsm_blob_append(&kq_recovery_blob_type, &blob, out);
}

static kq_status seal_key(const struct hsm_key *key, const struct encapsulation *encapsulation,
                          const struct kq_recovery_blob *blob, struct kq_buffer *sealed)
{
    KQ_AUTO_VALUE(kq_buffer) plain = {0}, aad = {0};
    uint8_t salt[32];
    kq_sha256(blob->encapsulated, salt);
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    KQ_TRY(encode_open_part(*blob, &aad));
    KQ_TRY(hsm_key_bytes(key, &plain));
    return hsm_seal(kq_buffer_slice(&encapsulation->secret), kq_slice_of(salt, sizeof salt), RECOVERY_LABEL,
                    kq_buffer_slice(&aad), kq_buffer_slice(&plain), sealed);
}

kq_status hsm_recovery_blob_seal(struct kq_slice recovery_public, struct kq_slice km,
                                 const struct hsm_blob_request *request, struct kq_buffer *out)
{
    KQ_AUTO_VALUE(encapsulation) encapsulation = {0};
    KQ_AUTO_VALUE(kq_buffer) sealed = {0};
    uint8_t hkre[32], hash[32];
    KQ_TRY(encapsulate(recovery_public, km, &encapsulation));
    kq_sha256(recovery_public, hkre);
    struct kq_recovery_blob blob = {
        .hkre = kq_slice_of(hkre, sizeof hkre),
        .key_type = (uint64_t)hsm_key_type(request->key),
        .bits = hsm_key_bits(request->key),
        .origin = (uint64_t)request->origin,
        .acl = request->acl,
        .place = request->place,
        .public_hash = hsm_blob_public_hash(request->key, hash),
        .encapsulated = kq_buffer_slice(&encapsulation.encapsulated),
    };
    kq_buffer_init(&sealed, KQ_PRIVATE_MAX + HSM_SEAL_OVERHEAD);
    KQ_TRY(seal_key(request->key, &encapsulation, &blob, &sealed));
    blob.sealed = kq_buffer_slice(&sealed);
    return hsm_blob_append(&kq_recovery_blob_type, &blob, out);
}

static kq_status open_sealed(const struct hsm_key *recovery_key, struct kq_slice km,
                             const struct kq_recovery_blob *blob, struct hsm_loaded **out)
{
    KQ_AUTO_VALUE(encapsulation) encapsulation = {0};
    KQ_AUTO_VALUE(kq_buffer) plain = {0}, aad = {0};
    uint8_t salt[32];
    kq_sha256(blob->encapsulated, salt);
    kq_buffer_init(&plain, KQ_PRIVATE_MAX);
    KQ_TRY(decapsulate(recovery_key, km, blob->encapsulated, &encapsulation));
    KQ_TRY(encode_open_part(*blob, &aad));
    KQ_TRY(hsm_unseal(kq_buffer_slice(&encapsulation.secret), kq_slice_of(salt, sizeof salt), RECOVERY_LABEL,
                      kq_buffer_slice(&aad), blob->sealed, &plain));
    const struct hsm_blob_inside inside = {blob->key_type, blob->bits,  blob->origin,
                                           blob->acl,      blob->place, blob->public_hash};
    return hsm_blob_open_key(&inside, kq_buffer_slice(&plain), out);
}

kq_status hsm_recovery_blob_open(const struct hsm_key *recovery_key, struct kq_slice km, struct kq_slice encoded,
                                 struct kq_slice place, struct hsm_loaded **out, const char **out_why)
{
    struct kq_recovery_blob blob;
    uint8_t hkre[32];
    *out_why = "";
    KQ_TRY(kq_recovery_blob_get(encoded, &blob, out_why));
    *out_why = "";
    hsm_key_public_hash(recovery_key, hkre);
    if (!kq_slice_is_equal(blob.hkre, kq_slice_of(hkre, sizeof hkre))) {
        *out_why = "the recovery blob belongs to another world than the one loaded";
        return KQ_ERR_MISMATCH;
    }
    if (!kq_slice_is_equal(blob.place, place)) {
        *out_why = "the key was sealed for another place: a key file cannot be renamed or moved";
        return KQ_ERR_MISMATCH;
    }
    kq_status status = open_sealed(recovery_key, km, &blob, out);
    return status == KQ_OK || status == KQ_ERR_MEMORY ? status : KQ_ERR_AUTH;
}
