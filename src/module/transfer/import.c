#include "base/text.h"
#include "module/acl/acl.h"
#include "module/seal/blob.h"
#include "module/transfer/payload.h"
#include "module/transfer/rows.h"
#include "module/world/statement.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"
#include "trust/acl.h"
#include "trust/chain.h"
#include "trust/template.h"

/* A package on its way in. The checks stand in the order in which they are
 * made (docs/protocols/transfer.md 6). */
struct import {
    const struct kq_transfer_import_request *request;
    struct kq_transfer_facts facts;
    struct hsm_loaded *exchange; /* owned */
    struct hsm_key *key;         /* owned: what came out */
    struct kq_buffer place;
    struct kq_buffer blob;
};
static void import_clear(struct import *import)
{
    hsm_loaded_free(import->exchange);
    hsm_key_free(import->key);
    kq_buffer_clear(&import->place);
    kq_buffer_clear(&import->blob);
}
KQ_AUTO_DEFINE_VALUE(import);

static struct kq_slice hash_slice(const uint8_t hash[32])
{
    return kq_slice_of(hash, 32);
}

static bool is_same_ignoring_case(struct kq_slice lower, struct kq_slice text)
{
    if (lower.len != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t letter = text.data[i];
        if (letter >= 'A' && letter <= 'Z')
            letter = (uint8_t)(letter - 'A' + 'a');
        if (letter != lower.data[i])
            return false;
    }
    return true;
}

/* ---- what H says, against what the module and the caller know ---------------------- */

static kq_status parse(struct hsm_call *call, struct import *import)
{
    const char *field = "";
    kq_status status = kq_transfer_parse(import->request->package, &import->facts, &field);
    if (status == KQ_ERR_VERSION)
        return hsm_call_fail(call, status, "package: made by a newer version; update this module");
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "package: %s: not a whole transfer package (damaged or truncated)", field);
    return KQ_OK;
}

static kq_status open_exchange_key(struct hsm_call *call, struct import *import)
{
    const struct kq_transfer_import_request *request = import->request;
    struct kq_place place;
    if (kq_place_get(request->kek_place, &place, NULL) != KQ_OK || place.kind != KQ_PLACE_EXCHANGE)
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "exchange key: kek_place: not an exchange key's place");
    const char *why = "";
    kq_status status = hsm_blob_open(call->state, request->kek_blob, request->kek_place, &import->exchange, &why);
    if (status != KQ_OK)
        return hsm_call_fail(call, status, "exchange key: %s", why);
    const struct hsm_acl_question question = {
        .kind = KQ_ACTION_UNWRAP_FOR_IMPORT,
        .bits = (uint32_t)import->facts.header.profile,
    };
    if (hsm_acl_ask(call, import->exchange, &question) != KQ_OK || hsm_key_type(import->exchange->key) != KQ_KEY_RSA)
        return hsm_call_fail(call, KQ_ERR_DENIED, "exchange key: its ACL does not let it unwrap for this profile");
    if (import->facts.header.profile != KQ_PROFILE_KEYQUAY)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "profile: %llu is not offered by this module",
                             (unsigned long long)import->facts.header.profile);
    return KQ_OK;
}

/* H names the exchange key by its public half and by the certificate that the
 * source saw. Another member of this world may have made both, so the
 * certificate's signer need not be this module; that hash and key fit is what counts. */
static kq_status check_exchange_key_of_header(struct hsm_call *call, const struct import *import)
{
    const struct kq_transfer_header *header = &import->facts.header;
    uint8_t kek_hash[32];
    hsm_key_public_hash(import->exchange->key, kek_hash);
    if (!kq_slice_is_equal(header->kek_hash, hash_slice(kek_hash))) {
        char named[KQ_HASH_TEXT_SIZE];
        char own[KQ_HASH_TEXT_SIZE];
        kq_hash_text(header->kek_hash, named);
        kq_hash_text(hash_slice(kek_hash), own);
        return hsm_call_fail(call, KQ_ERR_MISMATCH,
                             "exchange key of H: the package was made for exchange key %s, this one is %s", named, own);
    }
    struct kq_signed certificate;
    if (kq_signed_get(import->request->kek_certificate, &certificate, NULL) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_FORMAT, "exchange key of H: kek_certificate: damaged");
    if (!kq_sha256_is(header->kek_keygen_hash, certificate.body))
        return hsm_call_fail(call, KQ_ERR_MISMATCH,
                             "exchange key of H: the package was made for another certificate of this exchange key");
    return KQ_OK;
}

static kq_status check_target(struct hsm_call *call, const struct import *import)
{
    const struct kq_transfer_header *header = &import->facts.header;
    const struct hsm_world *world = &call->state->world;
    if (!kq_slice_is_equal(header->target_hknso, hash_slice(world->hknso))) {
        char named[KQ_HASH_TEXT_SIZE];
        char own[KQ_HASH_TEXT_SIZE];
        kq_hash_text(header->target_hknso, named);
        kq_hash_text(hash_slice(world->hknso), own);
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "world of H: the package was made for world %s, this is %s", named,
                             own);
    }
    if (!kq_guid_is_valid(import->request->subscription))
        return hsm_call_fail(call, KQ_ERR_ARGUMENT, "subscription: not a GUID");
    if (!is_same_ignoring_case(header->subscription, import->request->subscription))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "subscription: the package was made for subscription %.*s",
                             (int)header->subscription.len, (const char *)header->subscription.data);
    return KQ_OK;
}

static kq_status check_date_and_template(struct hsm_call *call, const struct import *import)
{
    const struct kq_transfer_header *header = &import->facts.header;
    if (header->not_after <= call->now) {
        char date[KQ_TIME_TEXT_SIZE];
        kq_time_text(header->not_after, date);
        return hsm_call_fail(call, KQ_ERR_EXPIRED, "date: the package ended at %s; make a new one", date);
    }
    if (header->payload_template != KQ_TEMPLATE_IMPORTED)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "payload template: unknown to this module");
    bool is_rsa_size = header->bits == 2048 || header->bits == 3072 || header->bits == 4096;
    if (header->key_type == KQ_KEY_RSA && !is_rsa_size)
        return hsm_call_fail(call, KQ_ERR_UNSUPPORTED, "payload: an RSA key of %llu bits is not accepted",
                             (unsigned long long)header->bits);
    return KQ_OK;
}

/* ---- who sent it ------------------------------------------------------------------- */

static kq_status check_source(struct hsm_call *call, struct import *import)
{
    struct kq_transfer_facts *facts = &import->facts;
    kq_status status = kq_transfer_verify_source(import->request->package, call->now, facts);
    if (status != KQ_OK)
        return hsm_call_fail(call, status,
                             "source signature: the package does not verify (signature, signer named in H, public key "
                             "of H, or warrant)");
    if (!facts->is_attested && import->request->origin_policy != KQ_ORIGIN_POLICY_ANY)
        return hsm_call_fail(call, KQ_ERR_UNTRUSTED,
                             "origin: the source module has no warrant, and only attested origins are accepted here");
    if (facts->is_attested && hsm_state_find_root(call->draft, facts->root_hash) == NULL) {
        char root[KQ_HASH_TEXT_SIZE];
        kq_hash_text(hash_slice(facts->root_hash), root);
        return hsm_call_fail(call, KQ_ERR_UNTRUSTED, "origin: the source's root %s is not on this world's list", root);
    }
    return KQ_OK;
}

/* ---- the private key: one path, one error -------------------------------------------- */

static kq_status open_payload(struct hsm_call *call, struct import *import)
{
    const struct kq_transfer_header *header = &import->facts.header;
    const struct hsm_payload_facts facts = {
        .type = (enum kq_key_type)header->key_type,
        .bits = header->bits,
        .public_key = header->public_key,
    };
    if (hsm_payload_open(import->exchange->key, import->facts.header_bytes, import->facts.ciphertext, &facts,
                         &import->key) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_AUTH, "payload: no valid key of this package opens");
    return KQ_OK;
}

/* ---- its new place -------------------------------------------------------------------- */

static uint64_t origin_of(const struct import *import)
{
    return import->facts.is_attested ? KQ_ORIGIN_TRANSFERRED_ATTESTED : KQ_ORIGIN_TRANSFERRED_SELF_ASSERTED;
}

static kq_status seal_at_destination(struct hsm_call *call, struct import *import)
{
    const struct kq_transfer_import_request *request = import->request;
    const struct hsm_world *world = &call->state->world;
    const struct kq_place place = {
        .kind = KQ_PLACE_VAULT,
        .hknso = hash_slice(world->hknso),
        .subscription = import->facts.header.subscription,
        .vault = request->vault,
        .key_name = request->key_name,
        .key_version = request->key_version,
    };
    KQ_TRY(hsm_encode(&kq_place_type, &place, &import->place));
    KQ_AUTO_VALUE(kq_buffer) acl = {0};
    kq_buffer_init(&acl, KQ_ACL_MAX);
    KQ_TRY(kq_acl_imported_key(hsm_key_type(import->key), hash_slice(world->hkm), &acl));
    const struct hsm_blob_request blob = {
        .key = import->key,
        .origin = (enum kq_origin)origin_of(import),
        .acl = kq_buffer_slice(&acl),
        .place = kq_buffer_slice(&import->place),
    };
    kq_buffer_init(&import->blob, kq_key_blob_type.max_len);
    KQ_TRY(hsm_blob_seal(call->state, &blob, &import->blob));
    kq_buffer_clear(&call->audit_place);
    kq_buffer_init(&call->audit_place, KQ_PLACE_MAX);
    return kq_buffer_append(&call->audit_place, import->place.data, import->place.len);
}

/* The destination's own root in words: its hash, or that it proves nothing. */
static void describe_own_root(const struct hsm_state *state, char *out, size_t size)
{
    struct kq_certificate root;
    if (state->root.len == 0 || kq_certificate_get(kq_buffer_slice(&state->root), &root) != KQ_OK) {
        snprintf(out, size, "none (not enrolled)");
        return;
    }
    uint8_t hash[32];
    char text[KQ_HASH_TEXT_SIZE];
    kq_sha256(root.public_key, hash);
    kq_hash_text(hash_slice(hash), text);
    snprintf(out, size, "%s%s", root.is_rehearsal ? "rehearsal: " : "", text);
}

static kq_status make_receipt(const struct hsm_call *call, const struct import *import, struct kq_buffer *out)
{
    const struct kq_transfer_facts *facts = &import->facts;
    char root[128];
    describe_own_root(call->state, root, sizeof root);
    const struct kq_import_receipt receipt = {
        .package_id = facts->header.package_id,
        .package_hash = hash_slice(call->audit_subject),
        .header = facts->header_bytes,
        .esn = kq_slice_text(call->state->esn),
        .place = kq_buffer_slice(&import->place),
        .origin = origin_of(import),
        .source_root_hash = facts->is_attested ? hash_slice(facts->root_hash) : KQ_SLICE_EMPTY,
        .root = kq_slice_text(root),
        .key_protection = kq_slice_text(hsm_call_key_protection(call)),
        .rollback_protection = kq_slice_text(hsm_call_rollback_protection(call)),
        .memory = kq_slice_text(hsm_call_memory(call)),
        .audit_index = call->audit_index,
        .time = call->now,
    };
    return hsm_sign_receipt(call->state, &kq_import_receipt_type, &receipt, out);
}

kq_status hsm_transfer_import_handler(struct hsm_call *call, const void *params, struct kq_writer *results)
{
    KQ_AUTO_VALUE(import) import = {.request = params};
    kq_sha256(import.request->package, call->audit_subject);
    call->has_audit_subject = true;
    KQ_TRY(parse(call, &import));
    KQ_TRY(open_exchange_key(call, &import));
    KQ_TRY(check_exchange_key_of_header(call, &import));
    KQ_TRY(check_target(call, &import));
    KQ_TRY(check_date_and_template(call, &import));
    KQ_TRY(check_source(call, &import));
    KQ_TRY(open_payload(call, &import));
    KQ_TRY(seal_at_destination(call, &import));
    KQ_AUTO_VALUE(kq_buffer) receipt = {0};
    KQ_TRY(make_receipt(call, &import, &receipt));
    const struct kq_transfer_import_reply reply = {
        .blob = kq_buffer_slice(&import.blob),
        .place = kq_buffer_slice(&import.place),
        .public_key = hsm_key_public(import.key),
        .origin = origin_of(&import),
        .receipt = kq_buffer_slice(&receipt),
    };
    kq_transfer_import_reply_put(&reply, results);
    return KQ_OK;
}
