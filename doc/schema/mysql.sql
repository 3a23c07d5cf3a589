-- 1 stores
create table if not exists skein_store (
  id smallint not null auto_increment,
  host varbinary(255) not null,
  store varbinary(100) not null,
  kind varbinary(16) not null,
  primary key (id),
  unique (host, store)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create table if not exists skein_item (
  store_id smallint not null,
  user_name varbinary(1023) not null,
  item_key varbinary(1023) not null,
  value longtext not null,
  primary key (store_id, user_name, item_key)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_item_by_key on skein_item (store_id, item_key);

create table if not exists skein_archive (
  sort_id bigint not null auto_increment,
  store_id smallint not null,
  user_name varbinary(1023) not null,
  item_key varbinary(1023) not null,
  at_us bigint not null,
  peer varbinary(1023) not null,
  value longtext not null,
  primary key (sort_id),
  unique (store_id, user_name, item_key)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;

create index skein_archive_in_order on skein_archive (store_id, user_name, sort_id);

create index skein_archive_by_time on skein_archive (store_id, user_name, at_us);

create index skein_archive_by_peer on skein_archive (store_id, user_name, peer, at_us);

create table if not exists skein_lease (
  name varbinary(1023) not null,
  holder varbinary(1023) not null,
  expires_us bigint not null,
  primary key (name)
) engine = InnoDB character set utf8mb4 collate utf8mb4_bin;
