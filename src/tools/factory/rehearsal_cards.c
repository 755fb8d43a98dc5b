#include "tools/factory/rehearsal_cards.h"

#include <unistd.h>

static kq_status first_card(const char *hsm_folder, char out[KQ_PATH_MAX])
{
    return kq_path_join(hsm_folder, "rehearsal-cards/card-1", out);
}

bool kq_rehearsal_cards_exist(const char *hsm_folder)
{
    char path[KQ_PATH_MAX];
    return first_card(hsm_folder, path) == KQ_OK && kq_file_exists(path);
}

kq_status kq_rehearsal_cards_attach(struct kq_tool *tool, const char *hsm_folder, struct kq_rehearsal *rehearsal)
{
    char path[KQ_PATH_MAX];
    if (kq_path_join(hsm_folder, "rehearsal-cards", path) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "%s: the path is too long", hsm_folder);
    return kq_rehearsal_begin(tool, path, rehearsal);
}

void kq_rehearsal_cards_drop(const char *hsm_folder)
{
    char path[KQ_PATH_MAX];
    if (first_card(hsm_folder, path) == KQ_OK)
        (void)unlink(path);
}
