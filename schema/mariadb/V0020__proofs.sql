-- What a whole check of the books found, so that the next one need only look at what came later.

CREATE TABLE books_proofs (
    proof_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the proof',
    proven_at DATETIME(6) NOT NULL COMMENT 'When the snapshot was taken, by the clock of who checked, UTC',
    invariants VARCHAR(2000) NOT NULL COMMENT 'Names of the invariants that held, separated by blanks',
    event_id BIGINT NOT NULL COMMENT 'High-water mark: every number of event_ids up to it was in the snapshot, or will never be used',
    last_order_id BIGINT NOT NULL COMMENT 'Largest order in the snapshot: if it is gone, so is what was proven',
    last_trade_id BIGINT NOT NULL COMMENT 'Largest trade in the snapshot',
    condition_id BIGINT NOT NULL COMMENT 'High-water mark of the conditions',
    prediction_id BIGINT NOT NULL COMMENT 'High-water mark of the predictions',
    notification_id BIGINT NOT NULL COMMENT 'High-water mark of the notifications',
    seal_no BIGINT NOT NULL COMMENT 'Last seal of the audit chain in the snapshot',
    chain_hash VARCHAR(64) NOT NULL COMMENT 'Hash of that seal',
    unsealed BIGINT NOT NULL COMMENT 'Audit rows that waited for their seal',
    folded_through DATE NOT NULL COMMENT 'Last folded business date',
    entries BIGINT NOT NULL COMMENT 'Journal entries in the snapshot',
    entries_hash DECIMAL(40, 0) NOT NULL COMMENT 'Sum of the hashes of these entries, whatever their order',
    seal VARCHAR(64) NOT NULL COMMENT 'SHA-256, in hex, of this row and of the rows of the other tables of the proof',
    CONSTRAINT books_proofs_pk PRIMARY KEY (proof_id),
    CONSTRAINT books_proofs_seal_ck CHECK (seal REGEXP '^[0-9a-f]{64}$')
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Whole checks of the books in which every invariant held, each as of one snapshot; the newest three are kept';

CREATE TABLE books_proof_sums (
    proof_id BIGINT NOT NULL COMMENT 'The proof',
    account_id BIGINT NOT NULL COMMENT 'The account',
    asset VARCHAR(6) NOT NULL COMMENT 'KRW, or the symbol of an issue',
    business_date DATE NOT NULL COMMENT 'For the house, the date of the entries, where it is not before the last folded one; else the year 1000',
    amount BIGINT NOT NULL COMMENT 'Sum of the entries, in won or in shares',
    entries BIGINT NOT NULL COMMENT 'How many entries were added up',
    cost_won BIGINT NOT NULL COMMENT 'What the shares of the position cost; 0 where it is none',
    CONSTRAINT books_proof_sums_pk PRIMARY KEY (proof_id, account_id, asset, business_date),
    CONSTRAINT books_proof_sums_proof_fk FOREIGN KEY (proof_id) REFERENCES books_proofs (proof_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Running sums of the journal as a proof found them';

CREATE TABLE books_proof_issues (
    proof_id BIGINT NOT NULL COMMENT 'The proof',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    last_trade_id BIGINT NOT NULL COMMENT 'Its last trade; 0 for none',
    prior_trade_id BIGINT NOT NULL COMMENT 'Its last trade before the business date that it was at; 0 for none',
    CONSTRAINT books_proof_issues_pk PRIMARY KEY (proof_id, symbol),
    CONSTRAINT books_proof_issues_proof_fk FOREIGN KEY (proof_id) REFERENCES books_proofs (proof_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'The trades that the prices of later days follow from';

CREATE TABLE books_proof_events (
    proof_id BIGINT NOT NULL COMMENT 'The proof',
    kind VARCHAR(12) NOT NULL COMMENT 'open (an order that could still trade), or what was in the snapshot already though above its high-water mark: seen (a number of event_ids), condition, prediction, notice',
    event_id BIGINT NOT NULL COMMENT 'Number of the row',
    CONSTRAINT books_proof_events_pk PRIMARY KEY (proof_id, kind, event_id),
    CONSTRAINT books_proof_events_kind_ck CHECK (kind IN ('open', 'seen', 'condition', 'prediction', 'notice')),
    CONSTRAINT books_proof_events_proof_fk FOREIGN KEY (proof_id) REFERENCES books_proofs (proof_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Single rows that a proof has to name';
