#include "tools/region/create.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "pubcrypto/hash.h"
#include "pubcrypto/x509.h"
#include "tools/common/ceremony.h"
#include "tools/common/connect.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "tools/factory/factory.h"
#include "tools/factory/rehearsal_cards.h"
#include "tools/region/publish.h"

#define SECONDS_PER_DAY 86400u
#define WARRANT_DAYS 3650u
#define ROOT_DAYS 7300u

struct work {
    struct kq_tool *tool;
    const struct kq_region_plan *plan;
    struct kq_region_folder folder;
    bool is_rehearsal; /* its cards are */
    struct kq_rehearsal rehearsal;
};

/* ---- opening the region's module ---- */

static kq_status work_open(struct work *work, struct kq_tool *tool, const struct kq_region_plan *plan,
                           const struct kq_region *region)
{
    *work = (struct work){.tool = tool, .plan = plan};
    if (kq_region_folder_init(&work->folder, plan->data, region) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, "Choose a shorter folder.", "%s: the path is too long", plan->data);
    KQ_TRY(kq_tool_set_folder(tool, work->folder.path));
    char world[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(work->folder.path, "local/world", world));
    work->is_rehearsal = kq_file_exists(world) ? kq_rehearsal_cards_exist(work->folder.path) : plan->quorum == 0;
    if (work->is_rehearsal)
        KQ_TRY(kq_rehearsal_cards_attach(tool, work->folder.path, &work->rehearsal));
    return kq_tool_connect_folder(tool);
}

/* ---- enrolment ---- */

kq_status kq_region_rehearsal_factory(struct kq_tool *tool, const char *data)
{
    struct kq_rehearsal rehearsal;
    char folder[KQ_PATH_MAX], root[KQ_PATH_MAX];
    const struct kq_factory_plan plan = {
        .name = "Keyquay rehearsal root",
        .suite = "ECp521mAES",
        .quorum = 1,
        .num_cards = 1,
        .is_rehearsal = true,
        .valid_days = ROOT_DAYS,
    };
    KQ_TRY(kq_path_join(data, "factory", folder));
    KQ_TRY(kq_path_join(folder, "root.pem", root));
    if (kq_file_exists(root))
        return KQ_OK;
    KQ_TRY(kq_tool_set_folder(tool, folder));
    KQ_TRY(kq_rehearsal_cards_attach(tool, folder, &rehearsal));
    KQ_TRY(kq_tool_connect_folder(tool));
    KQ_TRY(kq_factory_init(tool, &plan));
    if (!tool->is_json)
        printf("A rehearsal manufacturer was made in %s: its root proves nothing about the operator.\n"
               "  Its card and passphrase lie beside it in %s.\n",
               folder, rehearsal.folder);
    return KQ_OK;
}

/* Has a manufacturer on this machine sign; its cards are asked for unless they are rehearsal cards. */
static kq_status sign_here(struct work *work, const char *factory_folder, struct kq_buffer *out_warrant)
{
    KQ_AUTO_VALUE(kq_buffer) request = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    struct kq_rehearsal rehearsal;
    struct kq_tool factory;
    KQ_TRY(kq_enrol_request(work->tool, &request));
    kq_tool_init(&factory, work->tool->program, work->tool->argc, work->tool->argv);
    kq_status status = kq_tool_set_folder(&factory, factory_folder);
    if (status == KQ_OK)
        status = kq_factory_root(&factory, &root); /* before a module is started where there is no manufacturer */
    if (status == KQ_OK && kq_rehearsal_cards_exist(factory_folder))
        status = kq_rehearsal_cards_attach(&factory, factory_folder, &rehearsal);
    if (status == KQ_OK)
        status = kq_tool_connect_folder(&factory);
    if (status == KQ_OK)
        status =
            kq_factory_sign(&factory, "the region's request", kq_buffer_slice(&request), WARRANT_DAYS, out_warrant);
    work->tool->has_spoken = work->tool->has_spoken || factory.has_spoken;
    (void)kq_tool_finish(&factory, status);
    return status;
}

static kq_status install_file(struct work *work)
{
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    kq_status status = kq_file_read(work->plan->warrant, KQ_PEM_MAX, &warrant);
    if (status != KQ_OK)
        return kq_tool_fail_read(work->tool, status, work->plan->warrant,
                                 "Name the file that `keyquay-factory sign --out FILE` wrote.");
    return kq_enrol_install(work->tool, work->plan->warrant, kq_buffer_slice(&warrant));
}

static kq_status write_request(struct work *work)
{
    KQ_AUTO_VALUE(kq_buffer) request = {0};
    const char *path = work->plan->enrol_out;
    KQ_TRY(kq_enrol_request(work->tool, &request));
    if (kq_file_write(path, kq_buffer_slice(&request), 0644, KQ_FILE_REPLACE) != KQ_OK)
        return kq_tool_fail(work->tool, KQ_ERR_IO, NULL, "%s: could not be written (%s)", path, strerror(errno));
    printf("Enrolment request of region %s written to %s.\n"
           "Have the manufacturer sign it, then: keyquay region create %s --data %s --warrant FILE\n",
           work->folder.region->name, path, work->folder.region->code, work->plan->data);
    return KQ_OK;
}

static kq_status enrol(struct work *work)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    char folder[KQ_PATH_MAX];
    struct kq_status_reply status;
    if (work->plan->warrant != NULL)
        return install_file(work);
    KQ_TRY(kq_tool_call(work->tool, KQ_OP_STATUS, NULL, work->folder.region->name, &status, &reply));
    if (status.warrant.len > 0)
        return KQ_OK;
    KQ_TRY(kq_path_join(work->plan->data, "factory", folder));
    KQ_TRY(sign_here(work, work->plan->factory != NULL ? work->plan->factory : folder, &warrant));
    return kq_enrol_install(work->tool, "the warrant", kq_buffer_slice(&warrant));
}

/* ---- world, trust, exchange key ---- */

static kq_status make_world(struct work *work)
{
    KQ_AUTO_VALUE(kq_ceremony_result) made = {0};
    const struct kq_ceremony ceremony = {
        .kind = KQ_WORLD_REGION,
        .suite = work->plan->suite,
        .quorum = work->is_rehearsal ? 1 : work->plan->quorum,
        .num_cards = work->is_rehearsal ? 1 : work->plan->num_cards,
        .is_quiet = work->is_rehearsal || work->tool->is_json,
    };
    if (work->is_rehearsal)
        kq_rehearsal_cards_drop(work->folder.path);
    KQ_TRY(kq_ceremony_run(work->tool, &ceremony, &made));
    return kq_world_store(work->tool, kq_buffer_slice(&made.world_file), made.hknso);
}

/* The world that a former attempt made, or a new one. */
static kq_status have_world(struct work *work)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    struct kq_world_facts facts;
    KQ_TRY(kq_tool_call(work->tool, KQ_OP_STATUS, NULL, work->folder.region->name, &status, &reply));
    if (status.world_kind == 0)
        return make_world(work);
    if (status.world_kind != KQ_WORLD_REGION || kq_world_facts_get(status.world_file, &facts, NULL) != KQ_OK)
        return kq_tool_fail(work->tool, KQ_ERR_STATE, "Choose another folder with --data.",
                            "%s: this module has a world that is no region's", work->folder.path);
    return kq_world_store(work->tool, status.world_file, facts.hknso);
}

static bool is_listed(struct kq_list entries, const uint8_t hash[32])
{
    struct kq_slice item;
    struct kq_trust_entry entry;
    while (kq_list_next(&entries, &item)) {
        if (kq_trust_entry_get(item, &entry, NULL) == KQ_OK && kq_slice_is_equal(entry.hash, kq_slice_of(hash, 32)))
            return true;
    }
    return false;
}

/* A region trusts the manufacturer of its own module for the modules that keys
 * come from: a package of another one is refused, one without a warrant is self-asserted. */
static kq_status trust_own_root(struct work *work)
{
    KQ_AUTO_VALUE(kqc_reply) status_reply = {0};
    KQ_AUTO_VALUE(kqc_reply) list_reply = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    const struct kq_trust_list_request query = {KQ_TRUST_ROOTS};
    struct kq_status_reply status;
    struct kq_trust_list_reply list;
    struct kq_certificate root;
    uint8_t hash[32];
    KQ_TRY(kq_tool_call(work->tool, KQ_OP_STATUS, NULL, work->folder.region->name, &status, &status_reply));
    if (kq_certificate_get(status.root, &root) != KQ_OK)
        return kq_tool_fail(work->tool, KQ_ERR_FORMAT, NULL, "%s: the module's root cannot be read", work->folder.path);
    kq_sha256(root.public_key, hash);
    KQ_TRY(kq_tool_call(work->tool, KQ_OP_TRUST_LIST, &query, "asking for the trusted roots", &list, &list_reply));
    if (is_listed(list.entries, hash))
        return KQ_OK;
    const struct kq_trust_change_request change = {
        .list = KQ_TRUST_ROOTS,
        .change = KQ_TRUST_ADD,
        .hash = kq_slice_of(hash, sizeof hash),
        .label = kq_slice_text(root.common_name),
        .rehearsal = root.is_rehearsal,
    };
    return kq_tool_call_with_quorum(work->tool, KQ_OP_TRUST_CHANGE, &change, KQ_SLICE_EMPTY,
                                    "trusting the manufacturer's root", NULL, &reply);
}

static kq_status make_exchange(struct work *work, uint64_t generation)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    char label[KQ_REGION_LABEL_SIZE];
    struct kq_exchange_create_reply made;
    kq_region_label(work->folder.region, generation, label);
    struct kq_exchange_create_request request = {
        .region = kq_slice_text(label),
        .operator_name = kq_slice_text(work->plan->operator_name),
        .vault_suffix = kq_slice_text(work->plan->vault_suffix),
        .generation = generation,
        .bits = work->plan->kek_bits,
        .not_after = kq_clock_unix_s() + work->plan->valid_days * SECONDS_PER_DAY,
    };
    KQ_TRY(kq_tool_call_with_quorum(work->tool, KQ_OP_EXCHANGE_CREATE, &request, KQ_SLICE_EMPTY,
                                    "making the exchange key", &made, &reply));
    struct kq_exchange_file file = {
        .region = request.region,
        .generation = generation,
        .not_after = request.not_after,
        .blob = made.blob,
        .place = made.place,
        .public_key = made.public_key,
        .certificate = made.certificate,
    };
    if (kq_region_put_exchange(&work->folder, &file, made.kek_package, made.world_package) != KQ_OK)
        return kq_tool_fail(work->tool, KQ_ERR_IO, "Make room or give access, then run the same command again.",
                            "%s: the exchange key could not be written (%s)", work->folder.path, strerror(errno));
    return KQ_OK;
}

static kq_status show(struct work *work, uint64_t generation)
{
    KQ_TRY(kq_region_publish(work->tool, &work->folder, generation));
    KQ_TRY(kq_region_show(work->tool, &work->folder, generation));
    if (work->is_rehearsal && !work->tool->is_json)
        printf("  cards:         rehearsal, 1 of 1; card and passphrase lie beside the data in\n"
               "                 %s,\n"
               "                 so whoever reads that folder has the quorum; --acs-quorum=K/N makes real ones\n",
               work->rehearsal.folder);
    return KQ_OK;
}

kq_status kq_region_create(struct kq_tool *tool, const struct kq_region_plan *plan, const struct kq_region *region)
{
    struct work work;
    KQ_TRY(work_open(&work, tool, plan, region));
    if (kq_region_newest_generation(&work.folder) > 0)
        return kq_tool_fail(tool, KQ_ERR_EXISTS, "`keyquay region rollover` makes a new exchange key for it.",
                            "%s: region %s exists already", work.folder.path, region->name);
    if (plan->enrol_out != NULL)
        return write_request(&work);
    KQ_TRY(enrol(&work));
    KQ_TRY(have_world(&work));
    KQ_TRY(trust_own_root(&work));
    KQ_TRY(make_exchange(&work, 1));
    return show(&work, 1);
}

kq_status kq_region_rollover(struct kq_tool *tool, const struct kq_region_plan *plan, const struct kq_region *region)
{
    struct work work;
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    struct kq_exchange_file old;
    struct kq_region_folder folder;
    KQ_TRY(kq_region_folder_init(&folder, plan->data, region));
    uint64_t newest = kq_region_newest_generation(&folder);
    if (newest == 0)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "`keyquay region create` makes it.", "%s: there is no region %s",
                            plan->data, region->name);
    KQ_TRY(kq_region_get_exchange(&folder, newest, &bytes, &old));
    KQ_TRY(work_open(&work, tool, plan, region));
    KQ_TRY(make_exchange(&work, newest + 1));
    if (!tool->is_json) {
        char until[KQ_TIME_TEXT_SIZE];
        kq_time_text(old.not_after, until);
        printf("Generation %llu of %s stays usable for imports until %s.\n", (unsigned long long)newest, region->name,
               until);
    }
    return show(&work, newest + 1);
}
