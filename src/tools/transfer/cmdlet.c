#include "tools/transfer/cmdlet.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct parse {
    const struct kq_cmdlet *cmdlet;
    char *error;
    size_t error_size;
};

static kq_status fail(struct parse *parse, const char *name, size_t name_len, const char *what)
{
    snprintf(parse->error, parse->error_size, "parameter -%.*s %s", (int)(name_len < 60 ? name_len : 60), name, what);
    return KQ_ERR_ARGUMENT;
}

static kq_status find(struct parse *parse, const char *name, size_t len, const struct kq_cmdlet_parameter **out)
{
    const struct kq_cmdlet_parameter *found = NULL;
    size_t num_found = 0;
    for (size_t i = 0; i < parse->cmdlet->num_parameters; i++) {
        const struct kq_cmdlet_parameter *parameter = &parse->cmdlet->parameters[i];
        if (strncasecmp(parameter->name, name, len) != 0)
            continue;
        found = parameter;
        num_found++;
        if (strlen(parameter->name) == len) {
            num_found = 1;
            break;
        }
    }
    if (len == 0 || num_found == 0)
        return fail(parse, name, len, "is not known");
    if (num_found > 1)
        return fail(parse, name, len, "could be several; write it longer");
    *out = found;
    return KQ_OK;
}

/* "-KeyIdentifier -Force": the value was forgotten. One that begins so is written -Name:VALUE. */
static bool is_value(const char *text)
{
    return text[0] != '-' || (text[1] >= '0' && text[1] <= '9') || text[1] == '\0';
}

/* Reads the parameter at argv[*at] and moves past what it takes. */
static kq_status take_parameter(struct parse *parse, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    const char *colon = strchr(name, ':');
    size_t len = colon != NULL ? (size_t)(colon - name) : strlen(name);
    const struct kq_cmdlet_parameter *parameter = NULL;
    KQ_TRY(find(parse, name, len, &parameter));
    (*at)++;
    if (parameter->flag != NULL) {
        if (colon != NULL)
            return fail(parse, name, len, "takes no value");
        *parameter->flag = true;
        return KQ_OK;
    }
    if (*parameter->text != NULL)
        return fail(parse, name, len, "is given twice");
    if (colon != NULL)
        *parameter->text = colon + 1;
    else if (*at < argc && is_value(argv[*at]))
        *parameter->text = argv[(*at)++];
    else
        return fail(parse, name, len, "needs a value");
    return KQ_OK;
}

kq_status kq_cmdlet_parse(const struct kq_cmdlet *cmdlet, int argc, char **argv, const char **arguments,
                          size_t *out_num_arguments, char *out_error, size_t out_error_size)
{
    struct parse parse = {cmdlet, out_error, out_error_size};
    size_t num_arguments = 0;
    for (int at = 1; at < argc;) {
        if (argv[at][0] == '-' && argv[at][1] != '\0') {
            KQ_TRY(take_parameter(&parse, argc, argv, &at));
            continue;
        }
        if (num_arguments == cmdlet->max_arguments) {
            snprintf(out_error, out_error_size, "'%.60s' is one argument too many", argv[at]);
            return KQ_ERR_ARGUMENT;
        }
        arguments[num_arguments++] = argv[at++];
    }
    *out_num_arguments = num_arguments;
    return KQ_OK;
}
