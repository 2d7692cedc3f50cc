"""What schemathesis has to know of this service: the type of a part of an upload is bytes, and events go on for an hour
unless they are asked for less."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Events end soon, where the request would be answered with them."""
    if case.path == "/v1/events" and str((case.query or {}).get("wait", 0)).isdigit():
        case.query = {**(case.query or {}), "wait": 0}
