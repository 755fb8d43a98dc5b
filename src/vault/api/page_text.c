#include "vault/api/page_text.h"

#include <stdarg.h>
#include <stdio.h>

#define FORMATTED_MAX 2048

void vault_page_put(struct vault_page_text *page, const char *markup)
{
    if (page->status == KQ_OK)
        page->status = kq_buffer_append(page->out, markup, strlen(markup));
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void vault_page_put_text(struct vault_page_text *page, const char *text)
{
    for (; *text != '\0'; text++) {
        const char one[2] = {*text, '\0'};
        const char *entity = entity_of(*text);
        vault_page_put(page, entity != NULL ? entity : one);
    }
}

void vault_page_put_format(struct vault_page_text *page, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof text)
        page->status = KQ_ERR_TOO_LARGE;
    else
        vault_page_put_text(page, text);
}

void vault_page_begin_commands(struct vault_page_text *page, const char *id, const char *title)
{
    vault_page_put(page, "<div class=\"bar\"><h3 id=\"");
    vault_page_put(page, id);
    vault_page_put(page, "-title\">");
    vault_page_put(page, title);
    vault_page_put(page, "</h3></div>\n<pre id=\"");
    vault_page_put(page, id);
    vault_page_put(page, "\" tabindex=\"0\" role=\"region\" aria-labelledby=\"");
    vault_page_put(page, id);
    vault_page_put(page, "-title\">");
}

void vault_page_end_commands(struct vault_page_text *page)
{
    vault_page_put(page, "</pre>\n");
}
