#ifndef KQ_TOOLS_COMMON_PATHS_H
#define KQ_TOOLS_COMMON_PATHS_H

#include "base/file.h"

/* NFAST_KMDATA, else /var/lib/keyquay/kmdata for root, else
 * $XDG_DATA_HOME/keyquay/kmdata ($HOME/.local/share where that is unset).
 * "" if no such name can be formed. */
void kq_path_kmdata(char out[KQ_PATH_MAX]);

/* NFAST_KMLOCAL, else "local" in the folder above. */
void kq_path_kmlocal(char out[KQ_PATH_MAX]);

/* HOME, else the home of the password file; NULL if there is neither. */
const char *kq_path_home(void);

/* The file without its folders. */
const char *kq_path_base(const char *path);

#endif
