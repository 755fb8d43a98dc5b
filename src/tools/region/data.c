#include "tools/region/data.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/paths.h"

void kq_data_default(char out[KQ_PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = kq_path_home();
    if (geteuid() == 0)
        snprintf(out, KQ_PATH_MAX, "/var/lib/keyquay");
    else if (state != NULL && *state != '\0')
        snprintf(out, KQ_PATH_MAX, "%s/keyquay", state);
    else
        snprintf(out, KQ_PATH_MAX, "%s/.local/state/keyquay", home == NULL ? "." : home);
}

kq_status kq_data_hold(struct kq_tool *tool, const char *data, int *out_fd)
{
    char path[KQ_PATH_MAX];
    kq_status status = kq_folder_make(data);
    if (status == KQ_OK)
        status = kq_path_join(data, "changing.lock", path);
    if (status == KQ_OK)
        status = kq_file_lock(path, out_fd);
    if (status == KQ_ERR_WAIT)
        return kq_tool_fail(tool, status, "Wait for it to end, then run this command again.",
                            "%s: another command is making or changing regions here", data);
    struct stat facts;
    if (status != KQ_OK && stat(data, &facts) == 0 && !S_ISDIR(facts.st_mode))
        return kq_tool_fail(tool, status, "Name a folder that you may write with --data.", "%s: is not a folder", data);
    if (status != KQ_OK && access(data, F_OK) == 0 && access(data, R_OK | W_OK | X_OK) != 0)
        return kq_tool_fail(tool, KQ_ERR_DENIED,
                            "Run it as the user who owns the folder, or name your own with --data.",
                            "%s: you may not read and write there", data);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Name a folder that you may write with --data.", "%s: %s", data,
                            kq_status_text(status));
    return KQ_OK;
}
