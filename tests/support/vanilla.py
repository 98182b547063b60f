"""A configuration like FreeSWITCH's vanilla one, in few words, and a FreeSWITCH that has read it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from support.switch_neighbour import SwitchNeighbour, api_response, reply

from esl_vm.importers.freeswitch_xml import FreeswitchXml
from esl_vm.importers.plan import Findings

_LOCAL = """
    <extension name="Local_Extension">
      <condition field="destination_number" expression="^(10[01][0-9])$">
\t<!-- rings first -->
\t<action application="bridge" data="user/$1@${domain_name}"/>
\t<action application="bridge" data="loopback/app=voicemail:default ${domain_name} $1"/>
      </condition>
    </extension>
"""
FILES = {
    "freeswitch.xml": '<document type="freeswitch/xml">\n<X-PRE-PROCESS cmd="include" data="vars.xml"/>\n</document>\n',
    "vars.xml": (
        '<include>\n<X-PRE-PROCESS cmd="set" data="domain=$${local_ip_v4}"/>\n'
        '<!-- <X-PRE-PROCESS cmd="set" data="secret=Clue&amp;Con2"/> -->\n</include>\n'
    ),
    "autoload_configs/event_socket.conf.xml": (
        '<configuration name="event_socket.conf">\n  <settings>\n    <!-- <param name="password" value="no"/> -->\n'
        '    <param name="listen-ip" value="::"/>\n    <param name="listen-port" value="{port}"/>\n'
        '    <param name="password" value="$${{secret}}"/>\n  </settings>\n</configuration>\n'
    ),
    "autoload_configs/modules.conf.xml": (
        '<configuration name="modules.conf">\n  <modules>\n    <!-- <load module="mod_voicemail"/> not this -->\n'
        '    <load module="mod_sofia"/>\n    <load module="mod_event_socket"/>\n    <load module="mod_voicemail"/>\n  </modules>\n</configuration>\n'
    ),
    "dialplan/default.xml": (
        '<!-- é & é -- -->\n<include>\n  <context name="default">\n'
        '    <extension name="global" continue="true"><condition field="destination_number" expression="^.*$"/></extension>\n'
        + _LOCAL
        + '\n    <extension name="vmain">\n      <condition field="destination_number" expression="^vmain$|^4000$|^\\*98$">\n'
        '\t<action application="voicemail" data="check default ${domain_name}"/>\n      </condition>\n    </extension>\n'
        '    <extension name="group"><condition field="destination_number" expression="^2000$"/></extension>\n'
        '    <X-PRE-PROCESS cmd="include" data="default/*.xml"/>\n'
        '    <extension name="rest"><condition field="destination_number" expression="^(.*)$"/></extension>\n'
        "  </context>\n</include>\n"
    ),
    "dialplan/default/01_clock.xml": (
        '<include><extension name="clock"><condition field="destination_number" expression="^9170$"/></extension></include>\n'
    ),
    "dialplan/public.xml": '<include>\n  <context name="public">\n  </context>\n</include>\n',
    "directory/default.xml": (
        '<include>\n<domain name="$${domain}">\n<groups><group name="default"><users>\n'
        '<X-PRE-PROCESS cmd="include" data="default/*.xml"/>\n</users></group></groups>\n</domain>\n</include>\n'
    ),
}


def user(number, vm_password="", name="", **params):
    """A user of the directory, as a file."""
    if vm_password:
        params["vm-password"] = vm_password
    every = "".join(f'<param name="{key}" value="{value}"/>' for key, value in params.items())
    named = f'<variable name="effective_caller_id_name" value="{name}"/>' if name else ""
    return f'<include>\n<user id="{number}"><params>{every}</params><variables>{named}</variables></user>\n</include>\n'


USERS = {
    "1000": user("1000", "1000", "Extension 1000"),
    "1001": user("1001", "583062", "Alice Martin", **{"vm-mailto": "alice@example.com"}),
    "1002": user("1002", "1234", "Bob", **{"vm-enabled": "false"}),
    "brian": user("brian", "9999"),
}


def vanilla(folder, port=8021, **changed):
    """Write it into a folder; `changed` are files with another content (`event_socket`, `modules`, …), None for none."""
    texts = {name: text.format(port=port) if "event_socket" in name else text for name, text in FILES.items()}
    texts |= {f"directory/default/{name}.xml": text for name, text in USERS.items()}
    for short, text in changed.items():
        [name] = [name for name in texts if name.rpartition("/")[2].startswith(short)]
        texts[name] = text
    for name, text in texts.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    return folder


def contents(*folders):
    """All below: content and mode, by path; a folder's mode alone."""
    found = {}
    for folder in folders:
        for path in [folder, *sorted(folder.rglob("*"))]:
            if path.exists():
                found[str(path)] = (path.read_bytes() if path.is_file() else b"", path.stat().st_mode)
    return found


class Read:
    """What a FreeSWITCH says that has read a configuration: api commands and their answers.

    Attributes:
        told: the commands that change something. modules: those that are loaded.
    """

    def __init__(self, conf):
        self.conf, self.told = conf, []
        self.modules = {"mod_voicemail", "mod_loopback"}
        self._contexts = {}
        self._read()

    def _read(self):
        self._contexts = {
            context.get("name"): context
            for name in ("default", "public")
            for tree in FreeswitchXml(
                self.conf / f"dialplan/{name}.xml", Findings(), {"local_ip_v4": "192.0.2.1"}
            ).trees
            for context in tree.iter("context")
        }

    def api(self, line):
        """The answer to an api command."""
        command, _, rest = line.partition(" ")
        match command:
            case "version":
                return "FreeSWITCH Version 1.10.12-release\n"
            case "global_getvar":
                return f"local_ip_v4=192.0.2.1\nconf_dir={self.conf}\n"
            case "module_exists":
                return str(rest in self.modules).lower()
            case "xml_locate":
                context = self._contexts.get(rest.rpartition(" ")[2])
                return "can't find it" if context is None else ET.tostring(context, "unicode")
        self.told.append(line)
        match command:
            case "reloadxml":
                self._read()
            case "unload":
                self.modules.discard(rest)
            case "load":
                self.modules.add(rest)
        return "+OK [Success]\n"

    def close(self):
        """Nothing is open."""


class VanillaSwitch(SwitchNeighbour):
    """The same behind an event socket, with the password of the configuration above.

    Args:
        conf: the configuration, written once its port is known. manners: see Neighbour; an api command's first word is a step.
    """

    password = "Clue&Con2"

    def __init__(self, conf, manners=None):
        super().__init__(manners)
        vanilla(conf, self.port)
        self.read = Read(conf)

    def converse(self, line):
        line.answer("connect", usual=b"Content-Type: auth/request\n\n")
        while True:
            message = b""
            while not message.endswith(b"\n\n"):
                message += line.read_line()
            word, _, rest = message.decode().strip().partition(" ")
            if word == "api":
                self.asked(line, rest)
            else:
                good = word != "auth" or rest == self.password
                line.answer(word, usual=reply("+OK accepted" if good else "-ERR invalid"))

    def asked(self, line, command):
        """Answer an api command; one that is not answered is not done."""
        if line.answer(command.split()[0]) == b"":
            line.say(api_response(self.read.api(command)))
