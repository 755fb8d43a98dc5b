#include "tools/transfer/cmdlet_tool.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"

enum kq_args_result kq_cmdlet_read(struct kq_tool *tool, const struct kq_cmdlet_parameter *parameters,
                                   size_t num_parameters, const char *usage, int argc, char **argv)
{
    bool help = false, version = false;
    const struct kq_cmdlet_parameter common[] = {
        {"Json", NULL, &tool->is_json},
        {"Help", NULL, &help},
        {"?", NULL, &help},
        {"Version", NULL, &version},
    };
    struct kq_cmdlet_parameter all[KQ_CMDLET_PARAMETERS_MAX + KQ_COUNT_OF(common)];
    if (num_parameters > KQ_CMDLET_PARAMETERS_MAX)
        KQ_BUG("a cmdlet with too many parameters");
    memcpy(all, parameters, num_parameters * sizeof *all);
    memcpy(all + num_parameters, common, sizeof common);
    const struct kq_cmdlet cmdlet = {all, num_parameters + KQ_COUNT_OF(common), 0};
    size_t num_words;
    char error[256];
    if (kq_cmdlet_parse(&cmdlet, argc, argv, NULL, &num_words, error, sizeof error) != KQ_OK) {
        kq_tool_usage(tool, "%s", error);
        return KQ_ARGS_WRONG;
    }
    if (version)
        kq_tool_print_version(tool);
    else if (help)
        printf("%s", usage);
    return version || help ? KQ_ARGS_DONE : KQ_ARGS_GO_ON;
}
