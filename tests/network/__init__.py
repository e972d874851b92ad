"""A network in memory, behind the same ports as the real one: behaving servers with scripted faults, names, time.

Every octet that our side writes is kept with the TLS state that it was written under, so that a test can ask whether
anything of an envelope or a message went over a connection that had not met its requirement.

    network = Network()
    mx = network.add(Peer("mx1.bank.test", credential=SELF_SIGNED, script={Step.RCPT: ["451 4.3.0 later"]}))
    network.domain("bank.test", mx)
    ...                                     # deliver with `network` as dialer and `network.names` as resolver
    assert network.exposed(lambda shown: judge(requirement, shown).met) == []
    assert [mail.recipients for mail in mx.accepted] == [("bob@bank.test",)]

`network.clock` is the time: a peer that keeps silent costs no waiting, the time-out passes on this clock at once.
"""
