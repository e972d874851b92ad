-- What a change of settings may bring on its way: what keeps a requirement, failed one, or waits for a host.

CREATE INDEX decide_again ON recipient (message, number)
WHERE state = 0 AND (kept IS NOT NULL OR last_failure <> '' OR lost_host <> '');
