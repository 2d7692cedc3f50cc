"""What an owner of buckets does: stores.py ENDPOINT KEY SECRET COMMAND ..."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

endpoint, key, secret, command, *words = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    aws_access_key_id=key,
    aws_secret_access_key=secret,
    region_name="us-east-1",
)


def anyone_reads(bucket):
    allow = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


try:
    match command, words:
        case "create", [bucket]:
            s3.create_bucket(Bucket=bucket)
        case "create-public", [bucket]:
            s3.create_bucket(Bucket=bucket)
            anyone_reads(bucket)
        case "create-locking", [bucket]:
            s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        case "list", [bucket]:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for found in page.get("Contents", []):
                    print(found["Key"])
        case "get", [bucket, name, path]:
            s3.download_file(bucket, name, path)
        case "put", [bucket, name, path]:
            s3.upload_file(path, bucket, name)
        case "put-as", [bucket, name, path, sha256]:
            s3.upload_file(path, bucket, name, ExtraArgs={"Metadata": {"sha256": sha256}})
        case "delete", [bucket, name]:
            s3.delete_object(Bucket=bucket, Key=name)
        case "delete-version", [bucket, name, version]:
            s3.delete_object(
                Bucket=bucket, Key=name, VersionId=version, BypassGovernanceRetention=True
            )
        case "versions", [bucket, name]:
            for found in s3.list_object_versions(Bucket=bucket, Prefix=name)["Versions"]:
                print(found["VersionId"])
        case "head", [bucket, name]:
            found = s3.head_object(Bucket=bucket, Key=name)
            print(found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate"))
            print(found["Metadata"].get("sha256"))
        case _:
            sys.exit(f"unknown: {command} {words}")
except ClientError as error:
    print(error.response["Error"]["Code"])
    sys.exit(3)
