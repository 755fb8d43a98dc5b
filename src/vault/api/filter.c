#include "vault/api/filter.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

/* A word of letters; NULL if there is none or it is too long. */
static const char *read_word(const char *text, char *out, size_t size)
{
    size_t len = 0;
    for (; isalpha((unsigned char)text[len]) != 0; len++) {
        if (len + 1 >= size)
            return NULL;
        out[len] = text[len];
    }
    out[len] = '\0';
    return len == 0 ? NULL : text + len;
}

/* 'text', with '' for one quote in it. */
static const char *read_quoted(const char *text, char *out, size_t size)
{
    size_t len = 0;
    if (*text++ != '\'')
        return NULL;
    for (; *text != '\0'; text++) {
        if (*text == '\'' && *++text != '\'') {
            out[len] = '\0';
            return text;
        }
        if (len + 1 == size)
            return NULL;
        out[len++] = *text;
    }
    return NULL;
}

/* ('argument') or () */
static const char *read_argument(const char *text, struct vault_filter_clause *out)
{
    out->is_call = true;
    text = skip_space(text + 1);
    if (*text != ')')
        text = read_quoted(text, out->value, sizeof out->value);
    if (text == NULL)
        return NULL;
    text = skip_space(text);
    return *text == ')' ? text + 1 : NULL;
}

static const char *read_clause(const char *text, struct vault_filter_clause *out)
{
    char operator_text[3];
    *out = (struct vault_filter_clause){.name = ""};
    text = read_word(skip_space(text), out->name, sizeof out->name);
    if (text == NULL)
        return NULL;
    text = skip_space(text);
    if (*text == '(')
        return read_argument(text, out);
    text = read_word(text, operator_text, sizeof operator_text);
    if (text == NULL || strcasecmp(operator_text, "eq") != 0)
        return NULL;
    return read_quoted(skip_space(text), out->value, sizeof out->value);
}

bool vault_filter_parse(const char *text, struct vault_filter *out)
{
    struct vault_filter filter = {.num_clauses = 0};
    text = skip_space(text == NULL ? "" : text);
    while (*text != '\0') {
        char joint[4];
        if (filter.num_clauses == VAULT_FILTER_CLAUSES_MAX)
            return false;
        text = read_clause(text, &filter.clauses[filter.num_clauses++]);
        if (text == NULL)
            return false;
        text = skip_space(text);
        if (*text == '\0')
            break;
        text = read_word(text, joint, sizeof joint);
        if (text == NULL || strcasecmp(joint, "and") != 0 || *skip_space(text) == '\0')
            return false;
    }
    *out = filter;
    return true;
}

const char *vault_filter_value(const struct vault_filter *filter, const char *name)
{
    for (size_t i = 0; i < filter->num_clauses; i++) {
        if (strcasecmp(filter->clauses[i].name, name) == 0)
            return filter->clauses[i].value;
    }
    return NULL;
}

bool vault_filter_has_only(const struct vault_filter *filter, const char *const *names)
{
    for (size_t i = 0; i < filter->num_clauses; i++) {
        const char *const *name = names;
        while (*name != NULL && strcasecmp(filter->clauses[i].name, *name) != 0)
            name++;
        if (*name == NULL)
            return false;
    }
    return true;
}
