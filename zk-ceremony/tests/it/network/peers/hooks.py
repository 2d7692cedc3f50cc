"""What schemathesis has to know of this service: the type of a part of an upload is bytes."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
