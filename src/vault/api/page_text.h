#ifndef VAULT_API_PAGE_TEXT_H
#define VAULT_API_PAGE_TEXT_H

#include "vault/api/toolsets.h"

/* A web page being written. After the first failure nothing more is added. */
struct vault_page_text {
    struct vault_call *call;
    const struct vault_toolset *toolset;
    struct kq_buffer *out;
    kq_status status;
};

/* Markup as it is. */
void vault_page_put(struct vault_page_text *page, const char *markup);
/* Text of others, so that it can only be text. */
void vault_page_put_text(struct vault_page_text *page, const char *text);
/* Too long a text fails the page. */
void vault_page_put_format(struct vault_page_text *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A block of commands to copy, under a heading of its own.
 * id     of the block in the document
 * title  the heading; also what a screen reader calls the block */
void vault_page_begin_commands(struct vault_page_text *page, const char *id, const char *title);
void vault_page_end_commands(struct vault_page_text *page);

/* page_connect.c: how to reach this vault with az, the SDKs and curl. */
void vault_page_put_connect(struct vault_page_text *page);

#endif
