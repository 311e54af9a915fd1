/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a status of HTTP means for somebody who downloads, and what to do: RFC 9110 section 15. */

/* A part of a sentence that goes on after "the server answers 401"; "" for a status that says nothing. Static storage. */
const char *http_status_advice(long status);
