#include "tools/common/package_file.h"

#include "base/file.h"

kq_status kq_package_read(struct kq_tool *tool, const char *path, struct kq_buffer *out_package,
                          struct kq_transfer_facts *out_facts)
{
    const char *field = NULL;
    kq_status status = kq_file_read(path, KQ_TRANSFER_PACKAGE_FILE_MAX, out_package);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name the .byok file that KeyTransferRemote wrote.");
    status = kq_transfer_parse(kq_buffer_slice(out_package), out_facts, &field);
    if (status == KQ_ERR_VERSION)
        return kq_tool_fail(tool, status, "Use a newer release here.",
                            "%s: made by a newer version of KeyTransferRemote", path);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Fetch it again from where it was made.",
                            "%s: not a transfer package, or damaged (%s)", path, field != NULL ? field : "form");
    return KQ_OK;
}
