#ifndef KQ_TOOLS_CLOUD_PUBLISHED_H
#define KQ_TOOLS_CLOUD_PUBLISHED_H

/* The toolsets of the historical system, by the SHA-256 of their zip files as
 * its documents printed them. */
enum kq_published_series { KQ_SERIES_2015, KQ_SERIES_2016, KQ_SERIES_2017, KQ_SERIES_2019 };

struct kq_published_toolset {
    const char *name; /* as in trust/regions.h */
    enum kq_published_series series;
    const char *sha256; /* 64 hex digits, upper case */
};

/* NULL if the hash (64 hex digits, any case) is none of them. */
const struct kq_published_toolset *kq_published_find(const char *sha256);

/* "October 2016 to April 2017": when the documents printed this series. Static storage. */
const char *kq_published_series_text(enum kq_published_series series);

#endif
