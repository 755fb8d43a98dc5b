#include "module/world/file.h"

#include "base/size.h"
#include "base/text.h"
#include "module/world/suites.h"
#include "module/world/trust.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/public_key.h"
#include "trust/chain.h"

static kq_status why(kq_status status, const char *text, const char **out_why)
{
    *out_why = text;
    return status;
}

static kq_status read_binding(const struct kq_world_file *file, struct kq_world_binding *out, const char **out_why)
{
    struct kq_signed statement;
    if (kq_signed_get(file->binding, &statement, NULL) != KQ_OK)
        return why(KQ_ERR_FORMAT, "binding: not a signed statement; the file is damaged", out_why);
    kq_status status = kq_world_binding_get(statement.body, out, NULL);
    if (status == KQ_ERR_VERSION)
        return why(status, "binding: written by a newer version; update this program", out_why);
    if (status != KQ_OK)
        return why(KQ_ERR_FORMAT, "binding: damaged; use another copy of the world file", out_why);
    struct kq_slice body;
    if (kq_signed_verify(file->binding, out->knso_public, &body) != KQ_OK)
        return why(KQ_ERR_SIGNATURE, "binding: the signature of its KNSO does not verify; use another copy", out_why);
    return KQ_OK;
}

/* The binding's key types must be those that its suite means. */
static bool suite_fits(const struct kq_world_binding *binding)
{
    const struct hsm_suite *suite = hsm_suite_find(binding->suite);
    KQ_AUTO(kq_public_key) knso = NULL;
    if (suite == NULL || kq_public_key_new(binding->knso_public, &knso) != KQ_OK)
        return false;
    return kq_public_key_type(knso) == suite->knso_type;
}

static bool numbers_fit(const struct kq_world_file *file, const struct kq_world_binding *binding)
{
    return binding->quorum <= binding->num_cards && file->commitments.len == 32 * (size_t)binding->num_cards &&
           (binding->kind == KQ_WORLD_OWNER) == (file->sealed.len > 0) &&
           (binding->kind == KQ_WORLD_OWNER || binding->recovery_public.len == 0);
}

kq_status hsm_world_file_read(struct kq_slice bytes, struct hsm_world_facts *out, const char **out_why)
{
    struct hsm_world_facts facts = {.bytes = bytes};
    kq_status status = kq_world_file_get(bytes, &facts.file, NULL);
    if (status == KQ_ERR_VERSION)
        return why(status, "written by a newer version; update this program", out_why);
    if (status != KQ_OK)
        return why(KQ_ERR_FORMAT, "not a whole world file (foreign, damaged or truncated); use another copy", out_why);
    KQ_TRY(read_binding(&facts.file, &facts.binding, out_why));
    if (!suite_fits(&facts.binding))
        return why(KQ_ERR_FORMAT, "binding: unknown cipher suite, or keys that are not of its types", out_why);
    if (!numbers_fit(&facts.file, &facts.binding))
        return why(KQ_ERR_FORMAT, "its parts do not fit together; use another copy", out_why);
    kq_sha256(facts.binding.knso_public, facts.hknso);
    if (facts.binding.recovery_public.len > 0)
        kq_sha256(facts.binding.recovery_public, facts.hkre);
    *out = facts;
    return KQ_OK;
}

void hsm_world_file_card_set(const struct hsm_world_facts *facts, struct hsm_card_set *out)
{
    *out = (struct hsm_card_set){
        .world_kind = (enum kq_world_kind)facts->binding.kind,
        .quorum = (uint32_t)facts->binding.quorum,
        .num_cards = (uint32_t)facts->binding.num_cards,
        .commitments = facts->file.commitments,
    };
    memcpy(out->id, facts->binding.card_set.data, sizeof out->id);
    memcpy(out->quorum_check, facts->file.quorum_check.data, sizeof out->quorum_check);
}

void hsm_world_card_set(const struct hsm_world *world, struct hsm_card_set *out)
{
    *out = (struct hsm_card_set){
        .world_kind = world->kind,
        .quorum = world->quorum,
        .num_cards = world->num_cards,
        .commitments = kq_buffer_slice(&world->commitments),
    };
    memcpy(out->id, world->card_set, sizeof out->id);
    memcpy(out->quorum_check, world->quorum_check, sizeof out->quorum_check);
}

static kq_status copy_buffers(struct hsm_world *world, const struct hsm_world_facts *facts)
{
    kq_buffer_init(&world->commitments, 32 * KQ_ACS_MAX);
    kq_buffer_init(&world->world_file, KQ_WORLD_FILE_MAX);
    KQ_TRY(kq_buffer_append(&world->commitments, facts->file.commitments.data, facts->file.commitments.len));
    return kq_buffer_append(&world->world_file, facts->bytes.data, facts->bytes.len);
}

kq_status hsm_world_adopt(struct hsm_state *draft, const struct hsm_world_facts *facts,
                          const struct hsm_world_secrets *secrets, uint64_t now)
{
    const struct kq_world_binding *binding = &facts->binding;
    hsm_state_forget_world(draft);
    struct hsm_world *world = &draft->world;
    KQ_TRY(copy_buffers(world, facts));
    world->kind = (enum kq_world_kind)binding->kind;
    if (!kq_text_copy(binding->suite, world->suite, sizeof world->suite))
        return KQ_ERR_FORMAT;
    memcpy(world->hknso, facts->hknso, sizeof world->hknso);
    memcpy(world->hkm, binding->hkm.data, sizeof world->hkm);
    memcpy(world->km, secrets->km, sizeof world->km);
    memcpy(world->hkre, facts->hkre, sizeof world->hkre);
    world->has_recovery = binding->recovery_public.len > 0;
    memcpy(world->card_set, binding->card_set.data, sizeof world->card_set);
    world->quorum = (uint32_t)binding->quorum;
    world->num_cards = (uint32_t)binding->num_cards;
    memcpy(world->quorum_check, facts->file.quorum_check.data, sizeof world->quorum_check);
    world->knso = world->kind == KQ_WORLD_OWNER ? NULL : hsm_key_hold(secrets->knso);
    return hsm_trust_own_root(draft, now);
}

kq_status hsm_world_check_replaces(struct hsm_call *call, struct kq_slice replaces)
{
    const struct hsm_world *world = &call->state->world;
    if (world->kind == 0)
        return replaces.len == 0 ? KQ_OK
                                 : hsm_call_fail(call, KQ_ERR_STATE, "replaces_hknso: no world is loaded to replace");
    if (replaces.len == 0)
        return hsm_call_fail(call, KQ_ERR_STATE, "a world is loaded; say by its hknso that it is to be replaced");
    if (!kq_slice_is_equal(replaces, kq_slice_of(world->hknso, sizeof world->hknso)))
        return hsm_call_fail(call, KQ_ERR_MISMATCH, "replaces_hknso: names another world than the loaded one");
    return KQ_OK;
}

void hsm_km_hash(const uint8_t km[32], uint8_t out[32])
{
    static const char label[] = "keyquay/km"; /* its NUL is part of it */
    const struct kq_slice parts[] = {{(const uint8_t *)label, sizeof label}, {km, 32}};
    kq_sha256_parts(parts, KQ_COUNT_OF(parts), out);
}
