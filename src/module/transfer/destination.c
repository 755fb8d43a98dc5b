#include "module/transfer/destination.h"

#include "base/text.h"
#include "module/world/trust.h"

kq_status hsm_destination_verify(struct hsm_call *call, struct kq_slice kek_package, struct kq_slice world_package,
                                 struct kq_destination *out)
{
    struct kq_chain_report report;
    kq_status status = kq_chain_verify_packages(kek_package, world_package, call->now, out, &report);
    if (status == KQ_OK)
        return KQ_OK;
    for (size_t i = 0; i < report.num_steps; i++) {
        if (report.steps[i].outcome == KQ_STEP_FAILED)
            return hsm_call_fail(call, status, "%s: %s", report.steps[i].name, report.steps[i].reason);
    }
    return hsm_call_fail(call, status, "the packages do not verify");
}

static bool is_typed(struct kq_slice typed, const uint8_t hash[32])
{
    return kq_slice_is_equal(typed, kq_slice_of(hash, 32));
}

static kq_status refuse_typed(struct hsm_call *call, const char *check, const uint8_t hash[32])
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(hash, 32), text);
    return hsm_call_fail(call, KQ_ERR_MISMATCH,
                         "%s: the hash that was entered is not that of the packages (%s); do not "
                         "go on before the two roads agree",
                         check, text);
}

static kq_status refuse_unknown(struct hsm_call *call, const char *check, const uint8_t hash[32])
{
    char text[KQ_HASH_TEXT_SIZE];
    kq_hash_text(kq_slice_of(hash, 32), text);
    return hsm_call_fail(call, KQ_ERR_UNTRUSTED,
                         "%s: %s is not on this module's list; enter the hash obtained on a "
                         "second road",
                         check, text);
}

static kq_status check_rehearsal(struct hsm_call *call, const struct kq_destination *destination, bool is_named)
{
    if (!destination->root_is_rehearsal || is_named)
        return KQ_OK;
    return hsm_call_fail(call, KQ_ERR_UNTRUSTED,
                         "root trusted: \"%s\" is a rehearsal root and proves nothing about the operator; a key is "
                         "released to it only when it is named as a rehearsal",
                         destination->root_name);
}

/* ---- root ------------------------------------------------------------------ */

/* Whoever holds a rehearsal's key can write another certificate for it, without the mark. */
static kq_status check_mark(struct hsm_call *call, const struct kq_destination *destination,
                            const struct hsm_trusted *known)
{
    if (known == NULL || !known->is_rehearsal || destination->root_is_rehearsal)
        return KQ_OK;
    return hsm_call_fail(call, KQ_ERR_UNTRUSTED,
                         "root trusted: this module knows the key of \"%s\" as a rehearsal's, and the certificate does "
                         "not say so; a quorum can list it anew without the mark",
                         destination->root_name);
}

static kq_status accept_root(struct hsm_call *call, const struct kq_destination *destination,
                             const struct hsm_typed_trust *typed)
{
    const struct hsm_trusted *known = hsm_state_find_root(call->draft, destination->root_hash);
    if (typed->root.len > 0 && !is_typed(typed->root, destination->root_hash))
        return refuse_typed(call, "root trusted", destination->root_hash);
    if (known == NULL && typed->root.len == 0)
        return refuse_unknown(call, "root trusted", destination->root_hash);
    KQ_TRY(check_mark(call, destination, known));
    bool is_named = typed->is_rehearsal_named || (known != NULL && known->is_rehearsal);
    KQ_TRY(check_rehearsal(call, destination, is_named));
    if (known != NULL && known->is_rehearsal == destination->root_is_rehearsal)
        return KQ_OK;
    struct hsm_trusted entry = {.is_rehearsal = destination->root_is_rehearsal, .since = call->now};
    memcpy(entry.hash, destination->root_hash, sizeof entry.hash);
    hsm_trust_label(&entry, kq_slice_text(destination->root_name));
    if (hsm_trust_add(call->draft, KQ_TRUST_ROOTS, &entry) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_TOO_LARGE, "root trusted: the list is full; distrust a root first");
    return KQ_OK;
}

/* ---- world and generation -------------------------------------------------- */

static kq_status check_generation(struct hsm_call *call, const struct kq_destination *destination)
{
    uint64_t newest = hsm_state_generation_seen(call->draft, destination->hknso);
    if (destination->region.generation >= newest)
        return KQ_OK;
    return hsm_call_fail(call, KQ_ERR_ROLLBACK,
                         "generation: the packages are of generation %llu, this module has seen %llu of the same "
                         "world; fetch the newest toolset",
                         (unsigned long long)destination->region.generation, (unsigned long long)newest);
}

static kq_status accept_world(struct hsm_call *call, const struct kq_destination *destination,
                              const struct hsm_typed_trust *typed)
{
    const struct hsm_trusted *known = hsm_state_find_world(call->draft, destination->hknso);
    if (typed->world.len > 0 && !is_typed(typed->world, destination->hknso))
        return refuse_typed(call, "world trusted", destination->hknso);
    if (known == NULL && typed->world.len == 0)
        return refuse_unknown(call, "world trusted", destination->hknso);
    KQ_TRY(check_generation(call, destination));
    struct hsm_trusted entry = {.since = call->now};
    memcpy(entry.hash, destination->hknso, sizeof entry.hash);
    hsm_trust_label(&entry, destination->region.region);
    if (hsm_trust_add(call->draft, KQ_TRUST_WORLDS, &entry) != KQ_OK)
        return hsm_call_fail(call, KQ_ERR_TOO_LARGE, "world trusted: the list is full; distrust a world first");
    hsm_state_find_world(call->draft, destination->hknso)->generation = destination->region.generation;
    return KQ_OK;
}

kq_status hsm_destination_accept(struct hsm_call *call, const struct kq_destination *destination,
                                 const struct hsm_typed_trust *typed)
{
    KQ_TRY(accept_root(call, destination, typed));
    return accept_world(call, destination, typed);
}

kq_status hsm_destination_is_trusted(struct hsm_call *call, const struct kq_destination *destination)
{
    const struct hsm_trusted *root = hsm_state_find_root(call->draft, destination->root_hash);
    if (root == NULL)
        return refuse_unknown(call, "root trusted", destination->root_hash);
    KQ_TRY(check_mark(call, destination, root));
    KQ_TRY(check_rehearsal(call, destination, root->is_rehearsal));
    if (hsm_state_find_world(call->draft, destination->hknso) == NULL)
        return refuse_unknown(call, "world trusted", destination->hknso);
    return check_generation(call, destination);
}
