"""Evaluates an expression of the Common Expression Language: evaluate-cel.py EXPRESSION OBJECT-AS-JSON."""
import json
import sys

import cel

print(json.dumps(cel.evaluate(sys.argv[1], {"object": json.loads(sys.argv[2])})))
