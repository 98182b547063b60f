"""A process of one version of the service: `old_and_new.py VERSION REDIS_URL`, told line by line what to do.

The old version knows schema 1. The new one knows schema 2: a mailbox has a field `callers`, how many messages it was left,
which the old one neither writes nor reads. What differs is what a release would change; all else is the service's own.
"""

import sys
import time

from esl_vm.model.errors import VoicemailError
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.store.connect import connect
from esl_vm.store.migrations import Migration
from esl_vm.store.store import Store

CONVERT = """
local count = 0
for _, key in ipairs(KEYS) do
    if key ~= KEYS[1] then count = count + redis.call('ZCARD', key) end
end
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HGET', KEYS[1], 'callers') == tostring(count) then return 0 end
redis.call('HSET', KEYS[1], 'callers', count)
return 1
"""


def count_callers(base, box):
    keys = base.keys.of(box)
    all_keys = [keys.box, *keys.folders]
    return bool(base.link.run(keys.partition, lambda client: client.eval(CONVERT, len(all_keys), *all_keys)))


STEPS = {"old": (), "new": (Migration(2, "how many messages a mailbox was left", count_callers),)}


class SystemClock:
    def now(self):
        return time.time()


def main(version, url):
    store = Store(connect(url), clock=SystemClock(), migrations=STEPS[version])
    node = f"node-{version}"

    def told(what, *words):
        match what:
            case "begin":
                store.verify()
                store.cluster.tell(node, version, store.knows, {})
                return f"schema {store.schema}"
            case "leave":
                box = MailboxId(words[0])
                message = Message(new_id(time.time()), caller=Caller(version), received=time.time(), duration_ms=1000)
                delivered = store.mailboxes.deliver(box, message, even_if_full=True).value
                if version == "new":  # it writes both forms
                    count_callers(store.migrator._base, box)
                return delivered
            case "new":
                return str(store.mailboxes.counts(MailboxId(words[0])).new)
            case "migrate":
                return "; ".join(
                    f"{p.to} final={p.final} changed={p.changed} done={p.done}" for p in store.migrator.run()
                )
            case "step":  # broken off after the first hundred mailboxes
                progress = next(iter(store.migrator.run()))
                return f"looked at {progress.looked_at}"
            case "reconnect":
                store.link._forget_connections()
                store.verify()
                return "verified"
            case "end":
                store.cluster.leave(node)
                return "gone"
        return "what?"

    for line in sys.stdin:
        try:
            print(told(*line.split()), flush=True)
        except VoicemailError as wrong:
            print(f"{type(wrong).__name__}: {wrong}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
