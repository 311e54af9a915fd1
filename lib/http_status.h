/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a status of HTTP means for a download, and what to do: RFC 9110 section 15. */

/* The part of a sentence that follows "the server answers 401"; "" for a status that says nothing. Static storage. */
const char *http_status_advice(long status);
