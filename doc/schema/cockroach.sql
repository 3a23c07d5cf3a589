-- 1 stores
create table if not exists skein_store (
  id smallint generated always as identity,
  host text collate "C" not null,
  store text collate "C" not null,
  kind text collate "C" not null,
  primary key (id),
  unique (host, store)
);

create table if not exists skein_item (
  store_id smallint not null,
  user_name text collate "C" not null,
  item_key text collate "C" not null,
  value text not null,
  primary key (store_id, user_name, item_key)
);

create index if not exists skein_item_by_key on skein_item (store_id, item_key);

create table if not exists skein_archive (
  sort_id bigint generated always as identity,
  store_id smallint not null,
  user_name text collate "C" not null,
  item_key text collate "C" not null,
  at_us bigint not null,
  peer text collate "C" not null,
  value text not null,
  primary key (sort_id),
  unique (store_id, user_name, item_key)
);

create index if not exists skein_archive_in_order on skein_archive (store_id, user_name, sort_id);

create index if not exists skein_archive_by_time on skein_archive (store_id, user_name, at_us);

create index if not exists skein_archive_by_peer on skein_archive (store_id, user_name, peer, at_us);

create table if not exists skein_lease (
  name text collate "C" not null,
  holder text collate "C" not null,
  expires_us bigint not null,
  primary key (name)
);
