"""Uploads a file with tuspy: URL, bearer token, metadata as JSON, file.

Prints the upload's address.
"""

import json
import sys

from tusclient import client

url, token, metadata, path = sys.argv[1:]
service = client.TusClient(url, headers={"Authorization": f"Bearer {token}"})
uploader = service.uploader(
    path,
    chunk_size=3000,
    metadata=json.loads(metadata),
    upload_checksum=False,
)
# One part, and then the rest by another uploader, which asks the service how far the first came.
uploader.upload_chunk()
assert 0 < uploader.offset < uploader.get_file_size(), uploader.offset
again = service.uploader(path, chunk_size=3000, url=uploader.url)
assert again.offset == uploader.offset, (again.offset, uploader.offset)
again.upload()
assert again.offset == again.get_file_size()
print(again.url)
