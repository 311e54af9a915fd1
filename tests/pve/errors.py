# SPDX-License-Identifier: Apache-2.0
"""What an API call can fail with. The message's first line becomes the reason phrase of the answer."""


class ApiError(Exception):
    """An error of an API call. errors: {parameter: why}, for 400 only."""

    def __init__(self, message, status=500, errors=None):
        super().__init__(message)
        self.message = message if message.endswith("\n") else message + "\n"
        self.status = status
        self.errors = errors

    def task_text(self):
        """How the error reads as the end of a task: with its status, without the line break."""
        text = self.message if self.status == 500 else f"{self.status} {self.message}"
        return (text + "".join(f"{name}: {why}\n" for name, why in (self.errors or {}).items())).rstrip("\n")


class ServerError(Exception):
    """An error of the server's own layer: plain text for a body (None = no body at all), delayed when it is about who asks."""

    def __init__(self, status, reason, body="", delay=False, headers=()):
        super().__init__(reason)
        self.status, self.reason, self.delay, self.headers = status, reason, delay, headers
        self.body = reason if body == "" else body


def denied(what=""):
    return ApiError(f"Permission check failed ({what})" if what else "Permission check failed", 403)


def bad_parameter(**errors):
    return bad_parameters({name.replace("_", "-"): why for name, why in errors.items()})


def bad_parameters(errors):
    return ApiError("Parameter verification failed.", 400, errors)
