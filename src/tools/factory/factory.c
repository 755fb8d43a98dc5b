#include "tools/factory/factory.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "pubcrypto/x509.h"
#include "tools/common/ceremony.h"
#include "tools/common/quorum.h"
#include "tools/common/world_file.h"
#include "tools/factory/certificates.h"
#include "tools/factory/rehearsal_cards.h"

#define SECONDS_PER_DAY 86400u

static const char pem_certificate[] = "CERTIFICATE";
static const char pem_request[] = "CERTIFICATE REQUEST";

static uint64_t days_from_now(uint64_t days)
{
    return kq_clock_unix_s() + days * SECONDS_PER_DAY;
}

/* ---- the factory's world and root ---- */

static kq_status root_path(const struct kq_tool *tool, char out[KQ_PATH_MAX])
{
    return kq_path_join(tool->folder, "root.pem", out);
}

static bool has_root(const struct kq_tool *tool)
{
    char path[KQ_PATH_MAX];
    return root_path(tool, path) == KQ_OK && kq_file_exists(path);
}

static kq_status keep_root(struct kq_tool *tool, struct kq_slice pem)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(root_path(tool, path));
    kq_status status = kq_file_write(path, pem, 0644, KQ_FILE_REPLACE);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Make room or give access, then run the same command again.",
                            "%s: could not be written (%s)", path, strerror(errno));
    return KQ_OK;
}

static kq_status make_world(struct kq_tool *tool, const struct kq_factory_plan *plan)
{
    KQ_AUTO_VALUE(kq_ceremony_result) made = {0};
    const struct kq_ceremony ceremony = {
        .kind = KQ_WORLD_FACTORY,
        .suite = plan->suite,
        .quorum = plan->quorum,
        .num_cards = plan->num_cards,
        .is_quiet = tool->is_json || tool->answerer != NULL,
    };
    if (tool->answerer != NULL)
        kq_rehearsal_cards_drop(tool->folder);
    KQ_TRY(kq_ceremony_run(tool, &ceremony, &made));
    return kq_world_store(tool, kq_buffer_slice(&made.world_file), made.hknso);
}

static kq_status make_root(struct kq_tool *tool, const struct kq_factory_plan *plan)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_AUTO_VALUE(kq_buffer) pem = {0};
    struct kq_file root;
    struct kq_factory_root_request request = {
        .name = kq_slice_text(plan->name),
        .rehearsal = plan->is_rehearsal,
        .not_after = days_from_now(plan->valid_days),
    };
    KQ_TRY(kq_tool_call_with_quorum(tool, KQ_OP_FACTORY_ROOT, &request, KQ_SLICE_EMPTY,
                                    "making the manufacturer's root", &root, &reply));
    kq_buffer_init(&pem, KQ_PEM_MAX);
    KQ_TRY(kq_pem_encode(pem_certificate, root.file, &pem));
    return keep_root(tool, kq_buffer_slice(&pem));
}

kq_status kq_factory_init(struct kq_tool *tool, const struct kq_factory_plan *plan)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_status_reply status;
    if (has_root(tool))
        return kq_tool_fail(tool, KQ_ERR_EXISTS, "`keyquay-factory status` shows it.",
                            "%s: there is a manufacturer already", tool->folder);
    KQ_TRY(kq_tool_call(tool, KQ_OP_STATUS, NULL, "asking the manufacturer's module", &status, &reply));
    if (status.world_kind != 0 && status.world_kind != KQ_WORLD_FACTORY)
        return kq_tool_fail(tool, KQ_ERR_STATE, "Choose another folder with --data.",
                            "%s: this module has a world that is no factory's", tool->folder);
    if (status.world_kind == 0)
        KQ_TRY(make_world(tool, plan));
    return make_root(tool, plan);
}

kq_status kq_factory_root(struct kq_tool *tool, struct kq_buffer *out_pem)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(root_path(tool, path));
    kq_status status = kq_file_read(path, KQ_PEM_MAX, out_pem);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "`keyquay-factory init` makes a manufacturer.", "%s: %s", path,
                            kq_status_text(status));
    return KQ_OK;
}

/* ---- warrants ---- */

static kq_status read_request(struct kq_tool *tool, const char *name, struct kq_slice request, struct kq_buffer *out)
{
    char esn[KQ_ESN_LEN + 1];
    struct kq_slice public_key;
    kq_buffer_init(out, KQ_CERT_MAX);
    kq_status status = kq_pem_decode(pem_request, request, out);
    if (status != KQ_OK && request.len > 0 && request.data[0] == 0x30)
        status = kq_buffer_append(out, request.data, request.len);
    if (status == KQ_OK)
        status = kq_enrolment_get(kq_buffer_slice(out), esn, &public_key);
    if (status == KQ_ERR_SIGNATURE)
        return kq_tool_fail(tool, status, "Have the module make it again: `keyquay enrol request`.",
                            "%s: the request's own signature does not verify", name);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Have the module make one: `keyquay enrol request`.",
                            "%s: not an enrolment request", name);
    return KQ_OK;
}

kq_status kq_factory_sign(struct kq_tool *tool, const char *request_name, struct kq_slice request, uint64_t valid_days,
                          struct kq_buffer *out_pem)
{
    KQ_AUTO_VALUE(kq_buffer) der = {0};
    KQ_AUTO_VALUE(kq_buffer) root_pem = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file warrant;
    KQ_TRY(kq_factory_root(tool, &root_pem));
    KQ_TRY(read_request(tool, request_name, request, &der));
    struct kq_factory_warrant_request params = {
        .enrolment = kq_buffer_slice(&der),
        .not_after = days_from_now(valid_days),
    };
    KQ_TRY(kq_tool_call_with_quorum(tool, KQ_OP_FACTORY_WARRANT, &params, KQ_SLICE_EMPTY, "signing the warrant",
                                    &warrant, &reply));
    kq_buffer_init(out_pem, KQ_PEM_MAX);
    KQ_TRY(kq_pem_encode(pem_certificate, warrant.file, out_pem));
    return kq_buffer_append(out_pem, root_pem.data, root_pem.len);
}

kq_status kq_warrant_split(struct kq_slice pem, struct kq_buffer *out_warrant, struct kq_buffer *out_root)
{
    kq_buffer_init(out_warrant, KQ_CERT_MAX);
    kq_buffer_init(out_root, KQ_CERT_MAX);
    const size_t first_len = kq_pem_first_len(pem);
    KQ_TRY(kq_pem_decode(pem_certificate, kq_slice_of(pem.data, first_len), out_warrant));
    return kq_pem_decode(pem_certificate, kq_slice_of(pem.data + first_len, pem.len - first_len), out_root);
}

/* ---- the module's side ---- */

kq_status kq_enrol_request(struct kq_tool *tool, struct kq_buffer *out_pem)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    struct kq_file request;
    KQ_TRY(kq_tool_call(tool, KQ_OP_ENROL_REQUEST, NULL, "making the enrolment request", &request, &reply));
    kq_buffer_init(out_pem, KQ_PEM_MAX);
    return kq_pem_encode(pem_request, request.file, out_pem);
}

kq_status kq_enrol_install(struct kq_tool *tool, const char *warrant_name, struct kq_slice pem)
{
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    KQ_AUTO_VALUE(kq_buffer) root = {0};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    if (kq_warrant_split(pem, &warrant, &root) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, "It is the file that `keyquay-factory sign --out FILE` wrote.",
                            "%s: does not hold a warrant followed by its root", warrant_name);
    struct kq_enrol_install_request params = {kq_buffer_slice(&warrant), kq_buffer_slice(&root)};
    return kq_tool_call(tool, KQ_OP_ENROL_INSTALL, &params, warrant_name, NULL, &reply);
}
