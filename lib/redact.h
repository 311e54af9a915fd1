/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Removes secrets from messages that quote other programs' output or a configuration.
 */

/* Replaces, in place, everything that has the form of a bootstrap token, a certificate key or a UUID (a PVE token's secret), the
 * user and password of a URL, and the values of tokens, passwords and signatures ("token=...", "Bearer ...") by "(hidden)", short
 * ones by "*". */
void redact_secrets(char *message);
