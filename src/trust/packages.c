#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/size.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/acl.h"
#include "trust/chain.h"
#include "trust/warrant.h"

/* The walk over a region's two packages. Each step may use only what an
 * earlier one has verified; a statement's body is read after its signature,
 * with one exception: the world binding carries the key that signs it, and
 * that key's hash is what the module has stated before. */

#define KEK_MIN_BITS 2048u

struct walk {
    uint64_t now;
    struct kq_kek_package kek;
    struct kq_world_package world;
    struct kq_slice world_binding_key; /* KNSO, once its hash is known to be the stated one */
    struct kq_keygen keygen;
    struct kq_destination found;
    struct kq_chain_step *step; /* the one that runs */
};

/* Writes the reason of a failure, or a fact worth printing. */
__attribute__((format(printf, 2, 3))) static void say(struct walk *walk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walk->step->reason, sizeof walk->step->reason, format, arguments);
    va_end(arguments);
}

static kq_status fail(struct walk *walk, kq_status status, const char *reason)
{
    say(walk, "%s", reason);
    return status;
}

/* Verifies a statement; what names it in the reason. */
static kq_status open_statement(struct walk *walk, struct kq_slice statement, struct kq_slice signer, const char *what,
                                struct kq_slice *out_body)
{
    kq_status status = kq_signed_verify(statement, signer, out_body);
    if (status == KQ_ERR_SIGNATURE)
        say(walk, "the signature on %s does not verify", what);
    else if (status != KQ_OK)
        say(walk, "%s is damaged", what);
    return status;
}

/* Says which field of a body that is signed is not what we know. */
static kq_status check_body(struct walk *walk, kq_status status, const char *what, const char *field)
{
    if (status == KQ_ERR_VERSION)
        say(walk, "%s is of a newer version than this program; use a newer one", what);
    else if (status != KQ_OK)
        say(walk, "%s: field %s is not in a known form", what, field);
    return status;
}

static struct kq_slice found_hknso(const struct walk *walk)
{
    return kq_slice_of(walk->found.hknso, sizeof walk->found.hknso);
}

static kq_status check_warrants(struct walk *walk)
{
    struct kq_warrant_facts facts;
    const char *reason;
    if (!kq_slice_is_equal(walk->kek.root, walk->world.root))
        return fail(walk, KQ_ERR_MISMATCH, "the packages carry different roots (root)");
    if (!kq_slice_is_equal(walk->kek.warrant, walk->world.warrant))
        return fail(walk, KQ_ERR_MISMATCH, "the packages come from different modules (warrant)");
    kq_status status = kq_warrant_check(walk->kek.warrant, walk->kek.root, walk->now, &facts, &reason);
    if (status != KQ_OK)
        return fail(walk, status, reason);
    struct kq_destination *found = &walk->found;
    memcpy(found->root_hash, facts.root_hash, sizeof found->root_hash);
    memcpy(found->root_name, facts.root.common_name, sizeof found->root_name);
    snprintf(found->esn, sizeof found->esn, "%.*s", (int)KQ_ESN_LEN, facts.warrant.serial_number);
    found->root_is_rehearsal = facts.root.is_rehearsal;
    found->module_public = facts.warrant.public_key;
    say(walk, "module %s, warranted by \"%s\"%s", found->esn, found->root_name,
        found->root_is_rehearsal ? " (a rehearsal root)" : "");
    return KQ_OK;
}

static kq_status check_module_state(struct walk *walk)
{
    static const char what[] = "the module state";
    struct kq_module_state *state = &walk->found.module_state;
    struct kq_slice body;
    const char *field = "";
    KQ_TRY(open_statement(walk, walk->world.module_state, walk->found.module_public, what, &body));
    KQ_TRY(check_body(walk, kq_module_state_get(body, state, &field), what, field));
    if (!kq_sha256_is(state->module_key_hash, walk->found.module_public))
        return fail(walk, KQ_ERR_MISMATCH, "the state is of another module key (module_key_hash)");
    if (!kq_slice_is_text(state->esn, walk->found.esn))
        return fail(walk, KQ_ERR_MISMATCH, "the state's serial number is not the warrant's (esn)");
    if (state->world_kind != KQ_WORLD_REGION)
        return fail(walk, KQ_ERR_MISMATCH, "the module is not in a region's world (world_kind)");
    say(walk, "key protection %.*s, rollback protection %.*s", (int)state->key_protection.len,
        (const char *)state->key_protection.data, (int)state->rollback_protection.len,
        (const char *)state->rollback_protection.data);
    return KQ_OK;
}

/* The suite decides the type of KNSO; those of DLf1024 do not make regions. */
static bool suite_fits_key(struct kq_slice suite, const struct kq_public_key *knso)
{
    static const char long_dsa[] = "DLf3072s256";
    static const char curve[] = "ECp521";
    if (suite.len >= sizeof long_dsa && memcmp(suite.data, long_dsa, sizeof long_dsa - 1) == 0)
        return kq_public_key_type(knso) == KQ_KEY_DSA && kq_public_key_bits(knso) == 3072;
    if (suite.len >= sizeof curve && memcmp(suite.data, curve, sizeof curve - 1) == 0)
        return kq_public_key_type(knso) == KQ_KEY_EC_P521;
    return false;
}

static kq_status check_binding_facts(struct walk *walk, const struct kq_world_binding *binding)
{
    if (binding->kind != KQ_WORLD_REGION)
        return fail(walk, KQ_ERR_MISMATCH, "the world is not a region's (kind)");
    if (binding->recovery_public.len != 0)
        return fail(walk, KQ_ERR_MISMATCH,
                    "the world has a recovery key, so its cards can take keys out of it "
                    "(recovery_public)");
    if (!kq_slice_is_equal(binding->hkm, walk->found.module_state.hkm))
        return fail(walk, KQ_ERR_MISMATCH, "the world's module key is not the module's (hkm)");
    if (binding->quorum > binding->num_cards)
        return fail(walk, KQ_ERR_FORMAT, "the quorum is larger than the card set (quorum)");
    KQ_AUTO(kq_public_key) knso = NULL;
    if (kq_public_key_new(binding->knso_public, &knso) != KQ_OK)
        return fail(walk, KQ_ERR_FORMAT, "the world's key is not one we know (knso_public)");
    if (!suite_fits_key(binding->suite, knso))
        return fail(walk, KQ_ERR_MISMATCH,
                    "the cipher suite is not allowed for a region or does not fit the world's "
                    "key (suite)");
    return KQ_OK;
}

static kq_status check_world_binding(struct walk *walk)
{
    static const char what[] = "the world binding";
    struct kq_world_binding *binding = &walk->found.binding;
    struct kq_signed statement;
    struct kq_slice body;
    const char *field = "";
    KQ_TRY(check_body(walk, kq_signed_get(walk->world.binding, &statement, &field), what, field));
    KQ_TRY(check_body(walk, kq_world_binding_get(statement.body, binding, &field), what, field));
    if (!kq_sha256_is(walk->found.module_state.hknso, binding->knso_public))
        return fail(walk, KQ_ERR_MISMATCH, "the binding is of another world than the module's (hknso)");
    KQ_TRY(open_statement(walk, walk->world.binding, binding->knso_public, what, &body));
    KQ_TRY(check_binding_facts(walk, binding));
    walk->world_binding_key = binding->knso_public;
    memcpy(walk->found.hknso, walk->found.module_state.hknso.data, sizeof walk->found.hknso);
    say(walk, "%.*s, %" PRIu64 " of %" PRIu64 " cards, no recovery key", (int)binding->suite.len,
        (const char *)binding->suite.data, binding->quorum, binding->num_cards);
    return KQ_OK;
}

static kq_status check_region_statement(struct walk *walk)
{
    static const char what[] = "the region statement";
    struct kq_region_statement *region = &walk->found.region;
    struct kq_slice body;
    const char *field = "";
    KQ_TRY(open_statement(walk, walk->world.region_statement, walk->world_binding_key, what, &body));
    KQ_TRY(check_body(walk, kq_region_statement_get(body, region, &field), what, field));
    if (!kq_slice_is_equal(region->hknso, found_hknso(walk)))
        return fail(walk, KQ_ERR_MISMATCH, "the statement is about another world (hknso)");
    if (!kq_slice_is_equal(region->region, walk->world.region))
        return fail(walk, KQ_ERR_MISMATCH, "the world package names another region (region)");
    if (!kq_slice_is_equal(region->region, walk->kek.region))
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key package names another region (region)");
    if (region->not_after <= walk->now)
        return fail(walk, KQ_ERR_EXPIRED, "the region's packages are past their date; fetch newer ones (not_after)");
    say(walk, "region %.*s, generation %" PRIu64 ", operated by %.*s", (int)region->region.len,
        (const char *)region->region.data, region->generation,
        (int)(region->operator_name.len < 80 ? region->operator_name.len : 80),
        (const char *)region->operator_name.data);
    return KQ_OK;
}

static kq_status check_keygen_key(struct walk *walk, const struct kq_keygen *keygen)
{
    KQ_AUTO(kq_public_key) key = NULL;
    if (kq_public_key_new(keygen->public_key, &key) != KQ_OK)
        return fail(walk, KQ_ERR_FORMAT, "the exchange key's public half is damaged (public_key)");
    if (keygen->key_type != KQ_KEY_RSA || kq_public_key_type(key) != KQ_KEY_RSA)
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key is not an RSA key (key_type)");
    if (keygen->bits != kq_public_key_bits(key) || keygen->bits < KEK_MIN_BITS)
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key is too short or not as long as stated (bits)");
    return KQ_OK;
}

static kq_status check_keygen(struct walk *walk)
{
    static const char what[] = "the key-generation certificate";
    struct kq_keygen *keygen = &walk->keygen;
    struct kq_slice body;
    const char *field = "";
    KQ_TRY(open_statement(walk, walk->kek.keygen, walk->found.module_public, what, &body));
    KQ_TRY(check_body(walk, kq_keygen_get(body, keygen, &field), what, field));
    if (!kq_slice_is_text(keygen->esn, walk->found.esn))
        return fail(walk, KQ_ERR_MISMATCH, "the key was made by another module (esn)");
    if (!kq_slice_is_equal(keygen->hknso, found_hknso(walk)))
        return fail(walk, KQ_ERR_MISMATCH, "the key was made in another world (hknso)");
    if (keygen->origin != KQ_ORIGIN_GENERATED)
        return fail(walk, KQ_ERR_MISMATCH, "the key was not generated inside the module (origin)");
    KQ_TRY(check_keygen_key(walk, keygen));
    kq_sha256(keygen->public_key, walk->found.kek_hash);
    kq_sha256(body, walk->found.kek_keygen_hash);
    walk->found.kek_public = keygen->public_key;
    walk->found.kek_bits = keygen->bits;
    say(walk, "RSA %" PRIu64 ", generated inside module %s", keygen->bits, walk->found.esn);
    return KQ_OK;
}

static kq_status check_belonging(struct walk *walk)
{
    struct kq_place place;
    const struct kq_region_statement *region = &walk->found.region;
    if (!kq_slice_is_equal(region->kek_hash, kq_slice_of(walk->found.kek_hash, sizeof walk->found.kek_hash)))
        return fail(walk, KQ_ERR_MISMATCH, "the region states another exchange key (kek_hash)");
    if (kq_place_get(walk->keygen.place, &place, NULL) != KQ_OK)
        return fail(walk, KQ_ERR_FORMAT, "the exchange key's place is damaged (place)");
    if (place.kind != KQ_PLACE_EXCHANGE)
        return fail(walk, KQ_ERR_MISMATCH, "the key was not made as an exchange key (place kind)");
    if (!kq_slice_is_equal(place.hknso, found_hknso(walk)))
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key's place is in another world (place hknso)");
    uint64_t generation = 0;
    if (!kq_slice_is_equal(place.application, region->region) || !kq_uint_parse(place.ident, UINT32_MAX, &generation) ||
        generation != region->generation)
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key is of another region or generation (place)");
    char hash[KQ_HASH_TEXT_SIZE];
    kq_hash_text(region->kek_hash, hash);
    say(walk, "exchange key %s", hash);
    return KQ_OK;
}

/* Packages of this format carry exchange keys of the first profile only. */
static kq_status check_acl(struct walk *walk)
{
    KQ_AUTO_VALUE(kq_buffer) template = {0};
    kq_buffer_init(&template, KQ_ACL_MAX);
    kq_status status = kq_acl_exchange_key(KQ_PROFILE_KEYQUAY, walk->found.binding.hkm, &template);
    if (status != KQ_OK)
        return fail(walk, status, "not enough memory");
    if (!kq_slice_is_equal(walk->keygen.acl, kq_buffer_slice(&template)))
        return fail(walk, KQ_ERR_MISMATCH, "the exchange key's rights are not those of the template (acl)");
    walk->found.profile = KQ_PROFILE_KEYQUAY;
    say(walk, "unwraps for import, nothing else; it never leaves its world");
    return KQ_OK;
}

static const struct {
    const char *name;
    kq_status (*run)(struct walk *walk);
} steps[] = {
    {"warrant to root", check_warrants},
    {"module state", check_module_state},
    {"world binding", check_world_binding},
    {"region statement", check_region_statement},
    {"key-generation certificate", check_keygen},
    {"exchange key belongs to the world", check_belonging},
    {"exchange key ACL", check_acl},
};
_Static_assert(KQ_COUNT_OF(steps) <= KQ_CHAIN_STEPS_MAX, "a report holds every step");

static kq_status read_packages(struct walk *walk, struct kq_slice kek_package, struct kq_slice world_package)
{
    const char *field = "";
    kq_status status = kq_kek_package_get(kek_package, &walk->kek, &field);
    KQ_TRY(check_body(walk, status, "the exchange key package", field));
    status = kq_world_package_get(world_package, &walk->world, &field);
    return check_body(walk, status, "the world package", field);
}

kq_status kq_chain_verify_packages(struct kq_slice kek_package, struct kq_slice world_package, uint64_t now,
                                   struct kq_destination *out, struct kq_chain_report *out_report)
{
    *out_report = (struct kq_chain_report){.num_steps = KQ_COUNT_OF(steps)};
    for (size_t i = 0; i < KQ_COUNT_OF(steps); i++)
        out_report->steps[i].name = steps[i].name;
    struct walk walk = {.now = now, .step = &out_report->steps[0]};
    kq_status status = read_packages(&walk, kek_package, world_package);
    for (size_t i = 0; status == KQ_OK && i < KQ_COUNT_OF(steps); i++) {
        walk.step = &out_report->steps[i];
        status = steps[i].run(&walk);
        walk.step->outcome = KQ_STEP_PASSED;
    }
    if (status != KQ_OK) {
        walk.step->outcome = KQ_STEP_FAILED;
        return status;
    }
    *out = walk.found;
    return KQ_OK;
}
