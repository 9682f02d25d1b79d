"""Makes IAM users: endpoint and region as arguments, a JSON list of policies on standard input; prints their keys."""

import json
import sys

import botocore.session

endpoint, region = sys.argv[1:]
iam = botocore.session.get_session().create_client(
    "iam", region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
)
taken = len(iam.list_users()["Users"])
keys = []
for number, policy in enumerate(json.load(sys.stdin), taken):
    name = f"user-{number}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys.append([key["AccessKeyId"], key["SecretAccessKey"]])
print(json.dumps(keys))
