"""
Which part of the market a client that sends batches draws from.

A batch locks every issue and every account in it until it commits. Batches drawn from the whole
market would meet in most of their locks and run one after the other, so each client gets issues
and accounts of its own, as a router deals them that sends each symbol to one queue. Accounts that
several clients traded for, or orders that rest from another run, still make batches wait.
"""

from dataclasses import replace

from .ground import Ground
from .plan import RunPlan


def shares(ground: Ground, plan: RunPlan) -> int:
    """
    Return into how many shares the market is dealt; 1 where every client draws from all of it.

    That is one for each client, but not more than there are issues or accounts: then the clients
    beyond take turns on the shares there are.
    """
    if plan.batch == 1:
        return 1
    return min(plan.clients, len(ground.symbols), len(ground.payers))


def share(ground: Ground, plan: RunPlan, client: int) -> Ground:
    """
    Return what `client` draws from: of N shares, number k has the issues k, k+N, ... of the list.

    It has the accounts k, k+N, ... likewise, and the holdings of its accounts in its issues;
    holdings across two shares are sold by nobody.
    """
    count = shares(ground, plan)
    if count == 1:
        return ground
    first = client % count
    symbols, payers = ground.symbols[first::count], ground.payers[first::count]
    issues, accounts = {*symbols}, {payer.account_id for payer in payers}
    return replace(
        ground,
        symbols=symbols,
        ladders=ground.ladders[first::count],
        payers=payers,
        holdings=[
            holding
            for holding in ground.holdings
            if holding.symbol in issues and holding.account_id in accounts
        ],
    )
