#ifndef KQ_BASE_FILE_H
#define KQ_BASE_FILE_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Reads a whole regular file of at most max bytes into out (initialised here).
 * Errors: KQ_ERR_NOT_FOUND, KQ_ERR_TOO_LARGE, KQ_ERR_FORMAT (not a regular
 * file), KQ_ERR_IO, KQ_ERR_MEMORY; out is then empty. */
KQ_MUST_CHECK kq_status kq_file_read(const char *path, size_t max, struct kq_buffer *out);

enum kq_file_replace { KQ_FILE_NEW_ONLY, KQ_FILE_REPLACE };

/* Writes a file so that it appears complete or not at all, and is on the disk
 * when this returns: temporary file in the same folder, fsync, link or rename,
 * fsync of the folder. Errors: KQ_ERR_EXISTS (KQ_FILE_NEW_ONLY), KQ_ERR_IO
 * (nothing is left behind). errno tells why. */
KQ_MUST_CHECK kq_status kq_file_write(const char *path, struct kq_slice bytes, mode_t mode,
                                      enum kq_file_replace replace);

/* Makes a folder and its missing parents (0700 for each made). An existing one is fine.
 * Errors: KQ_ERR_IO (errno tells why; also when something else has that name), KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kq_folder_make(const char *path);

/* True if something exists at the path. */
bool kq_file_exists(const char *path);

/* Takes an exclusive lock on the file, making it if needed; it lasts until
 * the descriptor is closed. Somebody else may own the folder, so a link to
 * another file is refused: whoever inherits the descriptor could write there.
 * Errors: KQ_ERR_WAIT (somebody holds it), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status kq_file_lock(const char *path, int *out_fd);

#define KQ_PATH_MAX 1024

/* Joins folder, '/' and name.  Errors: KQ_ERR_TOO_LARGE. */
KQ_MUST_CHECK kq_status kq_path_join(const char *folder, const char *name, char out[KQ_PATH_MAX]);

#endif
